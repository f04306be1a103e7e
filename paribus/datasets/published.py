"""`torchvision:NAME` and `pet_trimaps`: data sets that torchvision knows, fetched from where it fetches them.

Their files are checked by the md5 that torchvision gives, unpacked by `paribus.datasets.archives` and kept in a cache
folder of ours (`paribus.datasets.downloads.cache`). Nothing is unpickled and nothing of torchvision's is run.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paribus.datasets.archives import unpack
from paribus.datasets.downloads import Published, fetched, made
from paribus.datasets.folders import folder
from paribus.datasets.found import existing
from paribus.datasets.items import ImageSet, Item, image_set, mask_set
from paribus.datasets.legend import Labels, declared
from paribus.datasets.splitting import split_up
from paribus.errors import DataError, Problem, StudyError, unknown
from paribus.parts import Share

_PETS = "https://www.robots.ox.ac.uk/~vgg/data/pets/data/"
_FLOWERS = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
_EUROSAT = "https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/"

# Name -> its files, as torchvision 0.25 names them; of CIFAR-10 the binary version, for the other one is pickles.
FILES = {
    "CIFAR10": (
        Published("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
    ),
    "EuroSAT": (Published(f"{_EUROSAT}EuroSAT.zip", "c8fa014336c82ac7804f0398fcb19387"),),
    "Flowers102": (
        Published(f"{_FLOWERS}102flowers.tgz", "52808999861908f626f3c1f4e79d11fa"),
        Published(f"{_FLOWERS}imagelabels.mat", "e0620be6f572b9609742df49c70aed4d"),
        Published(f"{_FLOWERS}setid.mat", "a5357ecc9cb78c4bef273ce3793fc85c"),
    ),
    "OxfordIIITPet": (
        Published(f"{_PETS}images.tar.gz", "5c4f3ee8e5d25df40f4fd59a7f44e54c"),
        Published(f"{_PETS}annotations.tar.gz", "95a8c909bbe2e81eed6a22bccdf3f68f"),
    ),
}
NAMES = tuple(FILES)
_VAL = {"train": 0.8, "val": 0.2}  # of the training images, where a set has no validation images of its own
_CIFAR_SIDE = 32
_CIFAR_RECORD = 1 + 3 * _CIFAR_SIDE**2  # bytes: the label, then red, green and blue


def torchvision(
    root: Path | None = None, *, name: str, splits: dict[str, Share] | None = None, split_seed: int = 0
) -> ImageSet:
    """A classification data set that torchvision knows: CIFAR10, EuroSAT, Flowers102 or OxfordIIITPet.

    Without `root` it is fetched once into a cache folder; `root` is a folder in which its files lie unpacked, and
    nothing is fetched. The given test images stay test images; where a set has no validation images they are drawn from
    the training images by `splits` (default 0.8 train, 0.2 val). EuroSAT has no split at all: there `splits` is that of
    `folder`. Raises DataError, StudyError, MachineError and IntegrityError.
    """
    if name not in FILES:
        raise StudyError([Problem("DATASET_UNKNOWN", unknown("torchvision data set", name, NAMES))])
    home = _home(name, root)
    if name == "EuroSAT":
        inner = _found(home, "2750", "eurosat/2750", ".")
        return replace(folder(inner, splits=splits, split_seed=split_seed), name=name)
    if name == "Flowers102":
        _refuse_splits(name, splits)
        return _flowers(home)
    if name == "CIFAR10":
        return _cifar(home, splits, split_seed)
    pets, classes = _pets(home)
    items = _with_val([Item(i, s, label, image) for i, s, label, image, _ in pets], splits, split_seed)
    return image_set(name, classes, items, [], [], 0, False)


def pet_trimaps(
    root: Path | None = None,
    *,
    classes: tuple[str, ...] = ("pet", "background"),
    labels: Labels | str | None = None,
    splits: dict[str, Share] | None = None,
    split_seed: int = 0,
) -> ImageSet:
    """The Oxford-IIIT pets with their trimaps: pet and background; the border between them is void.

    With three names in `classes` the border is a class of its own, the last. Otherwise as `torchvision:OxfordIIITPet`,
    with the same splits. Raises as it does.
    """
    if len(classes) not in (2, 3):
        message = f"pet_trimaps: classes are two names (the border is void) or three, not {list(classes)!r}."
        raise StudyError([Problem("PET_TRIMAPS", message)])
    values: dict[str, int | list[int]] = {each: k + 1 for k, each in enumerate(classes)}
    code = declared(classes, None, values, [3] if len(classes) == 2 else [], labels)
    pets, _ = _pets(_home("OxfordIIITPet", root))
    items = [Item(i, s, label, image, mask=mask) for i, s, label, image, mask in pets]
    items = [replace(item, label=0) for item in _with_val(items, splits, split_seed)]
    return mask_set(image_set("pet_trimaps", (), items, [], [], 0, False), code)


def _home(name: str, root: Path | None) -> Path:
    """The folder of a set's unpacked files: the user's, or ours, fetched if it is not there."""
    if root is not None:
        return existing(root)
    files = FILES[name]

    def make(aside: Path) -> None:
        for file in files:
            got = fetched(file)
            if file.name.endswith(".mat"):
                (aside / file.name).write_bytes(got.read_bytes())
            else:
                inside = aside / file.name.partition(".")[0]
                inside.mkdir()
                unpack(got, inside)

    return made(f"torchvision/{name}-{files[0].md5[:8]}", make)


def _with_val(items: list[Item], splits: dict[str, float] | None, seed: int) -> list[Item]:
    """The items with val drawn from train; test as it was given."""
    shares = splits or _VAL
    if "test" in shares:
        message = "the test images are given; `splits` shares out the training images into train and val."
        raise StudyError([Problem("SPLITS_TWICE", message, fix="splits: {train: 0.8, val: 0.2}.")])
    given = [item for item in items if item.split == "test"]
    return given + split_up([item for item in items if item.split != "test"], shares, seed)


def _refuse_splits(name: str, splits: dict[str, float] | None) -> None:
    if splits:
        message = f"{name} has train, val and test images of its own, and the study asks for a split."
        raise StudyError([Problem("SPLITS_TWICE", message, fix="Remove `splits`.")])


# ------------------------------------------------------------------------------------------------ what lies where


def _found(home: Path, *names: str) -> Path:
    """The first of these files or folders that is there, below the folder or one below it. Raises DataError."""
    for name in names:
        for path in (home / name, *sorted(home.glob(f"*/{name}"))):
            if path.exists():
                return path
    message = f"has no {' or '.join(names)}; expected is the data set as it is published, unpacked."
    raise DataError([Problem("DATA_NOT_FOUND", message, home.name, "Leave `root` out: it is fetched then.")])


def _pets(home: Path) -> tuple[list[tuple[str, str, int, Path, Path]], tuple[str, ...]]:
    """((id, split, label, image, trimap) of each, the names of the breeds)."""
    notes, images = _found(home, "annotations", "annotations/annotations"), _found(home, "images", "images/images")
    if (notes / "annotations").is_dir():
        notes = notes / "annotations"
    if (images / "images").is_dir():
        images = images / "images"
    found, breeds = [], {}
    for split, table in (("train", "trainval.txt"), ("test", "test.txt")):
        for number, line in enumerate(_lines(notes / table), 1):
            words = line.split()
            if len(words) != 4 or not words[1].isdigit() or not 1 <= int(words[1]) <= 37 or not _plain(words[0]):
                message = f"line {number}: {line[:80]!r}; expected are a name, its breed (1 to 37) and two numbers."
                raise DataError([Problem("PETS_LIST", message, table)])
            breed, label = words[0].rpartition("_")[0], int(words[1]) - 1
            breeds[label] = breed
            mask = notes / "trimaps" / f"{words[0]}.png"
            found.append((f"{split}/{words[0]}.jpg", split, label, images / f"{words[0]}.jpg", mask))
    order = {label: number for number, label in enumerate(sorted(breeds))}
    return [(i, s, order[label], p, m) for i, s, label, p, m in found], tuple(breeds[label] for label in sorted(breeds))


def _plain(name: str) -> bool:
    """Whether a name in a list is one, and leads nowhere."""
    return all(c.isalnum() or c in "_-" for c in name)


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError([Problem("DATA_NOT_FOUND", f"cannot be read ({error}).", path.name)]) from None
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _flowers(home: Path) -> ImageSet:
    """102 classes, called by their numbers from 001: which name belongs to which number is not in the files."""
    images = _found(home, "jpg")
    labels = _matrix(_found(home, "imagelabels.mat"), "labels")
    table = _found(home, "setid.mat")
    items = []
    for split, key in (("train", "trnid"), ("val", "valid"), ("test", "tstid")):
        for number in _matrix(table, key):
            if not 1 <= number <= len(labels):
                raise DataError([Problem("FLOWERS_LIST", f"names image {number} of {len(labels)}.", table.name)])
            path = images / f"image_{number:05d}.jpg"
            items.append(Item(f"{split}/{path.name}", split, labels[number - 1], path))
    own = sorted({item.label for item in items})
    order = {label: number for number, label in enumerate(own)}
    items = [replace(item, label=order[item.label]) for item in items]
    return image_set("Flowers102", tuple(f"{label:03d}" for label in own), items, [], [], 0, False)


def _matrix(path: Path, key: str) -> list[int]:
    """The whole numbers of an array in a MATLAB file. Raises DataError."""
    from scipy.io import loadmat

    try:
        return [int(value) for value in np.asarray(loadmat(path, variable_names=[key])[key]).ravel()]
    except Exception as error:  # whatever a reader of foreign bytes raises
        message = f"has no numbers {key!r} ({type(error).__name__}: {error})."
        raise DataError([Problem("MAT_UNREADABLE", message, path.name)]) from None


def _cifar(home: Path, splits: dict[str, float] | None, seed: int) -> ImageSet:
    """The images are records of five files and one; they are read where they lie."""
    folder = _found(home, "cifar-10-batches-bin", ".")
    classes = tuple(_lines(_found(folder, "batches.meta.txt")))
    files = {f"data_batch_{k}": "train" for k in range(1, 6)} | {"test_batch": "test"}
    batches = {name: _records(folder / f"{name}.bin", len(classes)) for name in files}
    items = [
        Item(f"{split}/{name}-{number:05d}", split, int(label), None)
        for name, split in files.items()
        for number, label in enumerate(batches[name][:, 0])
    ]

    def load(item: Item) -> NDArray[np.uint8]:
        name, _, number = item.id.rpartition("/")[2].rpartition("-")
        pixels = batches[name][int(number), 1:].reshape(3, _CIFAR_SIDE, _CIFAR_SIDE)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    drawn = sorted(_with_val(items, splits, seed), key=lambda item: item.id)
    return ImageSet("CIFAR10", classes, tuple(drawn), load)


def _records(path: Path, classes: int) -> NDArray[np.uint8]:
    """(N, 3073) the label and the pixels of each image. Raises DataError."""
    size = path.stat().st_size if path.is_file() else 0
    if not size or size % _CIFAR_RECORD:
        message = f"has {size} bytes; expected is a multiple of {_CIFAR_RECORD}, one record an image."
        raise DataError([Problem("CIFAR_FILE", message, path.name)])
    records: NDArray[np.uint8] = np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, _CIFAR_RECORD)
    if int(records[:, 0].max()) >= classes:
        raise DataError([Problem("CIFAR_FILE", f"has labels above {classes - 1}.", path.name)])
    return records
