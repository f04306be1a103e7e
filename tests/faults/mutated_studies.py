"""C9: study files that were changed by a grammar of mistakes and of malice."""

import copy
import random
import re
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import small_study
import yaml
from bad_studies import ACCEPTED, BASE, CASES
from outcome import Outcome, Plan

TRIALS, SHORT, TOGETHER = 10_000, 120, 250
SECONDS = 2.0  # of the processor, for one file
ROOT = Path(__file__).parents[2]
LINE = re.compile(r"error\[[A-Z0-9_]+\]: study\.yaml:\d+: .+")

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.5, 1e308, 1 << 62, 1 << 70, float("inf"), float("nan"), "", " ", "x", "no",
    "~", "1:30", "0x10", "1e5", "a" * 5000, "ä\u202eb", "a\nb", "</script>", "=cmd|' /C calc'!A0", "${HOME}",
    "{{7*7}}", "../..", "/etc/passwd", "baseline", "a/a", "a-a", "hot", "all", "head", "val", "train", "test",
    "accuracy", "mean_iou", "faces", "streets", "folder", "csv", "camvid", "small_cnn", "fcn", "timm:resnet18",
    "torchvision:alexnet", "smp:Unet", "timm:", ":", "os:system", "sgd", "one_cycle", "cross_entropy",
    "horizontal_flip", "model", [], {}, [[]], [{}], {"use": "x"}, {"use": None}, {"": ""}, ["baseline", "hot"], [1, 1],
    [3, 5, 10], [0.08, 1], {"baseline": 1, "hot": -1}, {"block": 2}, {"pattern": "(a+)+$"},
    {"from": "camvid11", "merge": {}}, {"from": "layer4"}, {"merge": {"a": ["sky"]}}, list(range(300)),
)  # fmt: skip
KEYS = (
    "title", "metric", "margin", "seeds", "looks", "split", "epoch", "groups", "control", "baseline", "factors",
    "arms", "questions", "primary", "on_leak", "labels", "data", "model", "trainable", "batch_norm", "input",
    "augment", "views", "optimizer", "schedule", "loss", "epochs", "batch_size", "precision", "use", "base", "bundle",
    "compare", "effect", "weights", "score_in", "ask", "root", "size", "normalize", "model.width", "optimizer.lr",
    "augment.horizontal_flip.p", "data.labels", "input.size", "augment.", ".", "", "<<", "__class__", "tune",
    "x" * 300,
)  # fmt: skip
TOKENS = (
    b"&a ", b"*a", b"!!python/object/apply:os.system [x]", b"!x ", b"{", b"}", b"[", b"]", b": ", b"- ", b"? ", b"|\n",
    b">\n", b"'", b'"', b"#", b"\t", b"%", b"@", b"`", b"---\n", b"...\n", b"<<: ", b"\0", b"\xff", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\r", b"\x85", b"\xe2\x80\xa8", b"\\", b",", b"~", b"1e999", b"9" * 400, b"[" * 40, b"{a: " * 40,
    b"\x1b[2J", b"\xe2\x80\xae",
)  # fmt: skip


def c9(plan: Plan) -> Outcome:
    """Study files with one known fault, and ten thousand that a grammar of mistakes has changed."""
    trials = SHORT if plan.short else TRIALS
    starts = range(0, trials, TOGETHER)
    works = [(plan.scratch / str(start), plan.seed, start, min(start + TOGETHER, trials)) for start in starts]
    notes = [] if plan.short else known(plan.scratch / "known")  # `test_bad_studies` has them one by one
    if plan.jobs == 1 or plan.short:
        notes += [note for work in works for note in mutated(*work)]
    else:
        with ProcessPoolExecutor(plan.jobs, mp_context=get_context("spawn")) as pool:
            notes += [note for found in pool.map(mutated, *zip(*works, strict=True)) for note in found]
    total = trials if plan.short else trials + len(CASES) + len(ACCEPTED)
    return Outcome("C9", total, same=total - len(notes), different=len(notes), notes=tuple(notes))


def known(scratch: Path) -> list[str]:
    """What went wrong with the files whose fault is known, or that have none."""
    expected = {name: (case.content, 2) for name, case in CASES.items()}
    expected |= {name: (text.encode(), 0) for name, text in ACCEPTED.items()}
    found = {name: wrong(scratch, content, (code,)) for name, (content, code) in expected.items()}
    return [f"{name}: {what}" for name, what in found.items() if what]


def mutated(scratch: Path, seed: int, start: int, end: int) -> list[str]:
    """What went wrong with the mutants of these numbers."""
    found = {number: wrong(scratch, mutant(seed, number), (0, 2)) for number in range(start, end)}
    return [f"mutant({seed}, {number}): {what}" for number, what in found.items() if what]


def wrong(scratch: Path, content: bytes, codes: tuple[int, ...]) -> str | None:
    """Nothing, if the file is accepted or refused with a line for everything that is wrong, and soon."""
    scratch.mkdir(exist_ok=True)
    (scratch / "study.yaml").write_bytes(content)
    with small_study.inside(scratch):
        began = time.process_time()
        said = small_study.command("check", "study.yaml")
        took = time.process_time() - began
    lines = said.err.splitlines()
    if said.code not in codes or (said.code == 2) != bool(lines):
        return f"exit {said.code}: {said.err[:500]}"
    if odd := [line for line in lines if not LINE.fullmatch(line)]:
        return f"no line of the file: {odd[0][:500]}"
    return f"took {took:.1f} s" if took > SECONDS else None


# ------------------------------------------------------------------------------------------------ mutants


def mutant(seed: int, number: int) -> bytes:
    """A study file, changed in one to four ways; always the same for a number."""
    draw = random.Random(f"{seed}.{number}")
    text = draw.choice(_good())
    if draw.random() < 0.6:
        tree = yaml.safe_load(text)
        for _ in range(draw.randint(1, 4)):
            tree = _changed(tree, draw)
        text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=draw.random() < 0.5, width=10**6)
    content = text.encode()
    for _ in range(draw.randint(0, 3) if draw.random() < 0.6 else 0):
        content = _damaged(content, draw)
    return content


def _good() -> list[str]:
    files = [*(ROOT / "studies").glob("*.yaml"), *(ROOT / "paribus" / "studies").glob("*.yaml")]
    return [BASE, small_study.STUDY, *(path.read_text() for path in sorted(files))]


def _changed(tree: Any, draw: random.Random) -> Any:
    """A value somewhere in the tree is replaced, removed, copied elsewhere or put under another key."""
    tree = copy.deepcopy(tree)
    homes = list(_homes(tree))
    if not homes:
        return draw.choice(VALUES)
    home = draw.choice(homes)
    keys = list(home) if isinstance(home, dict) else list(range(len(home)))
    key = draw.choice(keys)
    change = draw.choice(("value", "value", "value", "copy", "drop", "key", "add", "nest"))
    if change == "value":
        home[key] = copy.deepcopy(draw.choice(VALUES))
    elif change == "copy":
        source = draw.choice(homes)
        home[key] = copy.deepcopy(draw.choice(list(source.values()) if isinstance(source, dict) else source))
    elif change == "drop":
        del home[key]
    elif change == "nest":
        home[key] = {draw.choice(KEYS): home[key]} if draw.random() < 0.5 else [home[key]]
    elif isinstance(home, dict):
        value = home.pop(key) if change == "key" else copy.deepcopy(draw.choice(VALUES))
        home[draw.choice(KEYS)] = value
    else:
        home.append(copy.deepcopy(draw.choice(VALUES)))
    return tree


def _homes(tree: Any) -> Any:
    """Every mapping and list of the tree that holds something."""
    if isinstance(tree, dict | list) and tree:
        yield tree
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from _homes(inner)


def _damaged(content: bytes, draw: random.Random) -> bytes:
    """The text with a token put in, a line moved, or bytes changed."""
    at = draw.randrange(len(content) + 1)
    lines = content.split(b"\n")
    line = draw.randrange(len(lines))
    change = draw.choice(("token", "token", "byte", "cut", "drop", "twice", "swap", "indent", "dedent", "join"))
    if change == "token":
        return content[:at] + draw.choice(TOKENS) + content[at:]
    if change == "byte":
        return content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :]
    if change == "cut":
        return content[:at]
    if change == "drop":
        del lines[line]
    elif change == "twice":
        lines.insert(line, lines[line])
    elif change == "swap":
        other = draw.randrange(len(lines))
        lines[line], lines[other] = lines[other], lines[line]
    elif change == "indent":
        lines[line] = b" " * draw.randint(1, 4) + lines[line]
    elif change == "dedent":
        lines[line] = lines[line].lstrip()
    else:
        lines[line : line + 2] = [b" ".join(lines[line : line + 2])]
    return b"\n".join(lines)
