"""The card of an exported network: what it was trained on and how, what it scored, how sure that is, and its limits."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from paribus.datasets.items import SPLITS
from paribus.errors import printable
from paribus.predicting import Chosen
from paribus.predictions import RunRecord
from paribus.recipe import has_masks
from paribus.report.numbers import count, listed, percent, plural, scale_of
from paribus.report.paper import markdown_text

LIBRARIES = {"onnx": "onnxruntime", "timm": "timm", "smp": "segmentation-models-pytorch"}
_MOST_CLASSES = 30  # that the card lists with their counts


def card(chosen: Chosen, record: RunRecord, to: str, checked: str, preprocessing: Mapping[str, Any]) -> str:
    """Markdown.

    record: the exported run. checked: what came of trying the export. preprocessing: what stands beside.
    """
    masks = has_masks(chosen.recipe.data)
    arm = _of_arm(chosen)
    parts = [
        _head(to, masks),
        f"# {_text(chosen.title or 'A trained network')}" + (f": {_text(chosen.arm)}" if chosen.arm else ""),
        _what(chosen, to, masks),
        "## Use",
        _use(to, preprocessing),
        "## What it scored",
        *_scores(chosen, record, arm),
        "## Data",
        *_data(chosen),
        "## Recipe",
        _recipe(chosen),
        "## Limits",
        "\n".join(f"- {line}" for line in _limits(chosen, arm, masks)),
        "## Check",
        f"This file was written by Paribus and {checked}.",
    ]
    return "\n\n".join(parts) + "\n"


def _head(to: str, masks: bool) -> str:
    task = "image-segmentation" if masks else "image-classification"
    return f"---\nlibrary_name: {LIBRARIES[to]}\npipeline_tag: {task}\ntags:\n- paribus\n---"


def _what(chosen: Chosen, to: str, masks: bool) -> str:
    member, model = chosen.members[0], chosen.recipe.model
    does = "Gives every pixel one of" if masks else "Gives an image one of"
    classes = f"{does} {len(chosen.classes)} classes: {listed([_text(name) for name in chosen.classes])}."
    return (
        f"{classes} Network `{_code(model.use)}`, run `{member.run.id}` (seed {member.run.seed}, epoch {member.epoch}, "
        f"{'the best on val' if member.weights == 'best' else 'the last'}), for {LIBRARIES[to]}."
    )


def _of_arm(chosen: Chosen) -> Mapping[str, Any] | None:
    rows = (chosen.report or {}).get("arms", ())
    return next((row for row in rows if row.get("name") == chosen.arm), None)


def _scores(chosen: Chosen, record: RunRecord, arm: Mapping[str, Any] | None) -> Iterator[str]:
    member = chosen.members[0]
    if arm is None or arm.get("mean") is None:
        if member.on_val:
            yield f"This run: {member.on_val[0]} {member.on_val[1]:.3f} on val, at epoch {member.epoch}."
        yield "No report of its study is beside it: one run has no interval, and val flatters the run that it chose."
        return
    assert chosen.report is not None
    study, scale = chosen.report["study"], scale_of(arm["metric"])
    own: Mapping[str, Any] = next((row for row in arm["runs"] if row["id"] == member.run.id), {})
    interval = f", 95 % interval {scale.range(*arm['ci95'])}" if arm.get("ci95") else ", without an interval"
    rows = [
        ("metric", f"{scale.label}, on {count(study['images'])} images of {study['split']}"),
        (f"the arm, mean of {plural(len(arm['runs']), 'run')}", f"{scale.value(arm['mean'])}{interval}"),
        ("lowest and highest run", f"{scale.value(arm['min'])} and {scale.value(arm['max'])}"),
        ("this run", scale.value(own.get("value"))),
        ("seeds", ", ".join(str(row["seed"]) for row in arm["runs"])),
    ]
    if member.on_val:
        rows.append((f"this run on val ({member.on_val[0]})", f"{member.on_val[1]:.3f}"))
    yield _table(("", "value"), rows)
    yield (
        "What to expect of this file is the mean of the arm and its interval, which counts the chance of the seeds and "
        "of the images. The value of a single run is one draw; where the run was chosen on val, val flatters it."
    )


def _data(chosen: Chosen) -> Iterator[str]:
    data = ((chosen.report or {}).get("study") or {}).get("data") or {}
    recipe = chosen.recipe.data
    yield f"Data part `{_code(recipe.use)}`" + (f", `{_code(chosen.root)}`." if chosen.root else ".")
    images = data.get("images")
    if images and list(data.get("classes", ())) == list(chosen.classes):
        splits, unit = [split for split in SPLITS if split in images], "pixels" if has_masks(recipe) else "images"
        rows = [("all images", *(count(images[split]) for split in splits))]
        known = data.get("splits") or {}
        if len(chosen.classes) <= _MOST_CLASSES:
            rows += [
                (f"{unit} of {_text(name)}", *(count((known.get(s) or {}).get(name)) for s in splits))
                for name in chosen.classes
            ]
        yield _table(("", *splits), rows)
    elif images:
        yield "Images: " + ", ".join(f"{count(number)} {split}" for split, number in images.items()) + "."
    train = chosen.splits.get("train") or chosen.members[0].run.train
    yield f"Fingerprint of the training images: `{train[:16]}`."


def _recipe(chosen: Chosen) -> str:
    rows = [
        (f"`{path}`", f"`{_code(json.dumps(value, ensure_ascii=False))}`") for path, value in chosen.recipe.choices()
    ]
    return _table(("choice", "value"), rows)


def _limits(chosen: Chosen, arm: Mapping[str, Any] | None, masks: bool) -> Iterator[str]:
    what = "pixel" if masks else "image"
    yield f"Every {what} gets one of the classes above, also one that shows none of them."
    yield "The scores are of images like those of the data. Other cameras, light, framing or people were not measured."
    if masks:
        yield "Probabilities of pixels are those of the network: no temperature is fitted for masks."
    elif chosen.members[0].temperature == 1.0:
        yield "Probabilities are those of the network: val had no mistake from which a temperature could be fitted."
    else:
        yield f"Probabilities are divided by a temperature fitted on val ({chosen.members[0].temperature:.3f})."
    if arm and (row := _worst(chosen, arm)):
        yield row
    if chosen.recipe.precision == "bf16":
        yield "It was trained and scored in bf16 arithmetic and is exported in float32: outputs may differ by rounding."
    for finding in (chosen.report or {}).get("findings", ()):
        if finding.get("outcome") == "issue":
            yield f"{_text(finding['title'])}: {_text(finding['sentence'])}"


def _worst(chosen: Chosen, arm: Mapping[str, Any]) -> str | None:
    recall = (arm.get("confusion") or {}).get("recall") or []
    known = [(value, name) for value, name in zip(recall, chosen.classes, strict=False) if value is not None]
    if len(known) < 2:
        return None
    value, name = min(known)
    return f"The class found least often is {_text(name)}: {percent(value)} of it (mean over the runs of the arm)."


# ------------------------------------------------------------------------------------------------ how it is used


def _use(to: str, preprocessing: Mapping[str, Any]) -> str:
    code = {"onnx": _onnx, "timm": _timm, "smp": _smp}[to](preprocessing)
    beside = (
        "What is done to an image before the network, and the names of the classes, stand in `preprocessing.json`. "
        "Images are RGB, upright, transparent pixels on white."
    )
    return f"{beside}\n\n```python\n{code}\n```"


def _onnx(told: Mapping[str, Any]) -> str:
    lines = [
        "import json",
        "import numpy as np",
        "import onnxruntime",
        "from PIL import Image, ImageOps",
        "",
        'classes = json.load(open("preprocessing.json"))["classes"]',
        'session = onnxruntime.InferenceSession("model.onnx")',
        'original = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")',
        *_pixels(told),
    ]
    if told["resize_to"]:  # masks: an image is seen whole
        lines += [
            'logits = session.run(["logits"], {"images": np.asarray(image)[None]})[0][0]',
            "large = [Image.fromarray(each).resize(original.size, Image.Resampling.BILINEAR) for each in logits]",
            'Image.fromarray(np.argmax(large, axis=0).astype(np.uint8)).save("mask.png")  # class numbers',
        ]
    else:
        lines += [
            'probabilities = session.run(["probabilities"], {"images": np.asarray(image)[None]})[0][0]',
            "for name, probability in sorted(zip(classes, probabilities), key=lambda pair: -pair[1]):",
            '    print(f"{name}: {probability:.3f}")',
        ]
    return "\n".join(lines)


def _pixels(told: Mapping[str, Any]) -> Iterator[str]:
    """Lines that make `image` of `original`, by Pillow alone."""
    yield "image = original"
    if side := told["reduce_shorter_side_to"]:
        yield f"if min(image.size) > {side}:"
        yield f"    size = [round(s * {side} / min(image.size)) for s in image.size]"
        yield "    image = image.resize(size, Image.Resampling.BILINEAR)"
    if size := told["resize_to"]:
        yield f"image = image.resize(({size[1]}, {size[0]}), Image.Resampling.BILINEAR)"
        return
    side, (height, width) = told["resize_shorter_side_to"], told["center_crop_to"]
    yield f"image = image.resize([int({side} * s / min(image.size)) for s in image.size], Image.Resampling.BILINEAR)"
    yield f"left, top = round((image.width - {width}) / 2), round((image.height - {height}) / 2)"
    yield f"image = image.crop((left, top, left + {width}, top + {height}))"


def _timm(told: Mapping[str, Any]) -> str:
    return "\n".join(
        [
            "import json",
            "import timm",
            "from PIL import Image, ImageOps",
            "from timm.data import create_transform, resolve_data_config",
            "",
            'told = json.load(open("preprocessing.json"))',
            'model = timm.create_model("local-dir:.", pretrained=True).eval()',
            "transform = create_transform(**resolve_data_config(model.pretrained_cfg), is_training=False)",
            'image = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")',
            'probabilities = (model(transform(image)[None]) / told["temperature"]).softmax(dim=1)[0].tolist()',
            'for name, probability in sorted(zip(told["classes"], probabilities), key=lambda pair: -pair[1]):',
            '    print(f"{name}: {probability:.3f}")',
        ]
    )


def _smp(told: Mapping[str, Any]) -> str:
    return "\n".join(
        [
            "import json",
            "import numpy as np",
            "import segmentation_models_pytorch as smp",
            "import torch",
            "from PIL import Image, ImageOps",
            "",
            'told = json.load(open("preprocessing.json"))',
            'model = smp.from_pretrained(".").eval()',
            'original = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")',
            *_pixels(told),
            'pixels = (np.asarray(image) / 255 - told["mean"]) / told["std"]',
            "inputs = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()",
            *_network(told),
            'large = torch.nn.functional.interpolate(logits, size=original.size[::-1], mode="bilinear")[0]',
            'Image.fromarray(large.argmax(dim=0).to(torch.uint8).numpy()).save("mask.png")  # class numbers',
        ]
    )


def _network(told: Mapping[str, Any]) -> Iterator[str]:
    """Lines that make `logits` of `inputs`, whose sides must be multiples of the network's stride."""
    height, width = told["resize_to"]
    down, right = -height % told["multiple_of"], -width % told["multiple_of"]
    if down or right:
        yield f'inputs = torch.nn.functional.pad(inputs, (0, {right}, 0, {down}), mode="replicate")'
    yield f"logits = model(inputs)[..., :{height}, :{width}]" if down or right else "logits = model(inputs)"


# ------------------------------------------------------------------------------------------------ Markdown


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _text(name: str) -> str:
    """A name in a sentence or cell, with nothing in it that Markdown or HTML reads."""
    return markdown_text(printable(name))


def _code(text: str) -> str:
    """A text between backticks, also in a cell."""
    return printable(text).replace("`", "'").replace("|", "\\|")
