"""Images as the network sees them: decoded once, shared by all runs of a study, like features of frozen bodies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paribus.datasets import ImageSet, Item
from paribus.parts import build
from paribus.recipe import AUGMENT, Recipe, augment_paths
from paribus.seeding import derive, generator

if TYPE_CHECKING:
    import torch

KEEP = 2 << 30  # bytes of decoded pixels kept in memory; what is beyond is decoded again when needed
EVAL_BATCH = 64


@dataclass
class Pictures:
    """The images of one data set, decoded at most once while they fit into `keep` bytes. Shared by all runs."""

    images: ImageSet
    keep: int = KEEP
    _decoded: dict[str, "torch.Tensor"] = field(default_factory=dict)
    _centred: dict[tuple[Any, ...], "torch.Tensor"] = field(default_factory=dict)
    _features: dict[tuple[Any, ...], "torch.Tensor"] = field(default_factory=dict)
    _used: int = 0

    def items(self, split: str) -> list[Item]:
        """The items of a split in the order in which evidence and draws count them: by id."""
        return sorted((i for i in self.images.items if i.split == split), key=lambda i: i.id)

    def pixels(self, item: Item) -> "torch.Tensor":
        """uint8 (3, H, W)."""
        import torch

        if item.id in self._decoded:
            return self._decoded[item.id]
        tensor = torch.from_numpy(np.ascontiguousarray(self.images.load(item).transpose(2, 0, 1)))
        if self._used + tensor.nbytes <= self.keep:
            self._decoded[item.id] = tensor
            self._used += tensor.nbytes
        return tensor

    def evaluation(self, split: str, recipe: Recipe) -> Iterator["torch.Tensor"]:
        """Batches of uint8 (B, 3, side, side): each image resized and its centre cut out, in the order of `items`."""
        import torch

        side, shorter = eval_sizes(recipe)
        key = (split, side, shorter)
        items = self.items(split)
        if key in self._centred:
            yield from self._centred[key].split(EVAL_BATCH)
            return
        kept: list[torch.Tensor] | None = [] if self._used + len(items) * 3 * side * side <= self.keep else None
        for start in range(0, len(items), EVAL_BATCH):
            batch = stacked([centre(self.pixels(i), side, shorter) for i in items[start : start + EVAL_BATCH]])
            if kept is not None:
                kept.append(batch)
            yield batch
        if kept:
            self._centred[key] = torch.cat(kept)
            self._used += self._centred[key].nbytes

    def features(self, key: tuple[Any, ...], make: "Any") -> "torch.Tensor":
        """The features under `key`, computed by `make()` the first time."""
        if key not in self._features:
            self._features[key] = make()
        return self._features[key]


def eval_sizes(recipe: Recipe) -> tuple[int, int]:
    """(side of the evaluation crop, length of the shorter side before it), in pixels."""
    args = recipe.input.args
    side = args["eval_size"] or args["size"]
    return side, round(side / args["crop_fraction"])


def centre(image: "torch.Tensor", side: int, shorter: int) -> "torch.Tensor":
    """The image's shorter side resized to `shorter`, the centre `side` x `side` cut out; uint8 (3, side, side)."""
    from torchvision.transforms.v2 import functional as F

    if min(image.shape[-2:]) != shorter:
        image = F.resize(image, [shorter], antialias=True)
    return F.center_crop(image, [side, side])


def stacked(images: "Sequence[torch.Tensor]") -> "torch.Tensor":
    """A batch (B, 3, H, W) in channels-last layout."""
    import torch

    return torch.stack(list(images)).contiguous(memory_format=torch.channels_last)


def normalized(batch: "torch.Tensor", recipe: Recipe) -> "torch.Tensor":
    """float32 (B, 3, H, W): (pixel / 255 - mean) / std, by channel."""
    import torch

    statistics = recipe.input.args["normalize"]
    mean, std = (torch.tensor(statistics[k]).view(1, 3, 1, 1) * 255 for k in ("mean", "std"))
    return ((batch.float() - mean) / std).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class TrainingViews:
    """Augmented batches of the training split, drawn afresh each epoch."""

    pictures: Pictures
    recipe: Recipe
    seed: int

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The images of an epoch in their order: a permutation of the split."""
        rng = np.random.default_rng(derive(self.seed, "order", epoch))
        return rng.permutation(len(self.pictures.items("train")))

    def steps(self) -> int:
        """The number of batches of an epoch."""
        count, size = len(self.pictures.items("train")), self.recipe.batch_size
        alone = count % size == 1 and 1 < size < count  # the last batch of one image that `batches` leaves out
        return -(-count // size) - alone

    def batches(self, epoch: int) -> Iterator[tuple["torch.Tensor", "torch.Tensor"]]:
        """(uint8 images (B, 3, size, size), targets (B,)).

        A last batch of one image is left out: batch norm needs two.
        """
        import torch

        items = self.pictures.items("train")
        order, size = self.order(epoch), self.recipe.batch_size
        augment = self._augment(epoch)
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            if len(chosen) == 1 < size and len(order) > 1:
                continue
            views = [augment(self.pictures.pixels(items[i]), int(i)) for i in chosen]
            yield stacked(views), torch.tensor([items[i].label for i in chosen])

    def _augment(self, epoch: int) -> Any:
        size = self.recipe.input.args["size"]
        parts = [build(part, AUGMENT, size) for part in self.recipe.augment]
        names = augment_paths([part.use for part in self.recipe.augment])

        def view(image: "torch.Tensor", index: int) -> "torch.Tensor":
            for name, part in zip(names, parts, strict=True):
                image = part(image, generator(self.seed, "augment", name, epoch, index))
            if tuple(image.shape[-2:]) != (size, size):  # no part has chosen a crop
                image = centre(image, size, round(size / self.recipe.input.args["crop_fraction"]))
            return image

        return view
