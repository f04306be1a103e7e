"""Images as the network sees them: decoded once, shared by all runs of a study; augmented views of them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from paribus.datasets import ImageSet, Item
from paribus.devices import alongside
from paribus.parts import build
from paribus.prepared import Prepared, reduced
from paribus.ranks import ALONE, Ranks
from paribus.recipe import Recipe, augment_home, augment_paths, has_masks, sides
from paribus.sampling import drawn
from paribus.seeding import derive, generator

if TYPE_CHECKING:
    import torch

KEEP = 2 << 30  # bytes of pixels kept in memory; what is beyond is made again when needed
EVAL_BATCH = 32  # 64 images of 96 pixels no longer fit the caches: measured 1.6 times slower

Pixels = NDArray[np.uint8]
T = TypeVar("T")


@dataclass
class Pictures:
    """The images of one data set, and what is made of them once and serves all runs.

    prepared: the memory map of the decoded images, or None: then they are decoded at most once while there is room.
    shorter: see `input.prepare`. keep: bytes of room for pixels, and as many for what is computed from them, so that
    many images never keep out the features that save passes through a network.
    """

    images: ImageSet
    prepared: Prepared | None = None
    shorter: int | None = None
    keep: int = KEEP
    _items: dict[str, list[Item]] = field(default_factory=dict)
    _kept: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    _used: dict[str, int] = field(default_factory=dict)

    def items(self, split: str) -> list[Item]:
        """The items of a split in the order in which evidence and draws count them: by id."""
        if split not in self._items:
            self._items[split] = self.images.ordered(split)
        return self._items[split]

    def pixels(self, item: Item) -> "torch.Tensor":
        """uint8 (3, H, W), in channels-last layout, in which crops are resized twice as fast."""
        import torch

        return torch.from_numpy(self._pixels(item)).permute(2, 0, 1)

    def _pixels(self, item: Item) -> Pixels:
        if self.prepared is not None:
            return self.prepared.image(item)
        return self.once(("image", item.id), lambda: writable(reduced(self.images.load(item), self.shorter)))

    def mask(self, item: Item) -> "torch.Tensor":
        """uint8 (H, W), class indices and void, at the mask's own size."""
        import torch

        if self.prepared is not None:
            return torch.from_numpy(self.prepared.mask(item))
        masks = self.images.masks
        assert masks is not None
        return torch.from_numpy(self.once(("mask", item.id), lambda: writable(masks(item))))

    def once(self, key: tuple[Any, ...], make: "Any") -> "Any":
        """What `make()` gives (an array or tensor), kept under `key` while there is room for its kind.

        The key begins with the kind; features have a room of their own.
        """
        if key in self._kept:
            return self._kept[key]
        made = make()
        room = "features" if key[0] == "features" else "pixels"
        if self._used.get(room, 0) + made.nbytes <= self.keep:
            self._kept[key] = made
            self._used[room] = self._used.get(room, 0) + made.nbytes
        return made

    def evaluation(self, split: str, recipe: Recipe, ranks: Ranks = ALONE) -> Iterator["torch.Tensor"]:
        """Batches of uint8 (B, 3, height, width) in the order of `items`: each image resized as evaluation wants it.

        The batches are the same however many processes share them; those of this one are `own_items`.
        """
        items = self.items(split)
        for start in range(0, len(items), EVAL_BATCH)[ranks.part(-(-len(items) // EVAL_BATCH))]:
            some = items[start : start + EVAL_BATCH]
            key = ("evaluation", split, start, *map(str, eval_sizes(recipe)), has_masks(recipe.data))
            yield self.once(key, lambda some=some: stacked([self.seen(i, recipe) for i in some]))

    def own_items(self, split: str, ranks: Ranks) -> slice:
        """Which of the items are in the batches that are this process's."""
        batches = ranks.part(-(-len(self.items(split)) // EVAL_BATCH))
        return slice(batches.start * EVAL_BATCH, min(batches.stop * EVAL_BATCH, len(self.items(split))))

    def seen(self, item: Item, recipe: Recipe) -> "torch.Tensor":
        """uint8 (3, height, width): an image as evaluation wants it."""
        return evaluated(self.pixels(item), recipe)


def writable(pixels: Pixels) -> Pixels:
    """The same pixels in memory that torch may share; a copy only where it must be."""
    return np.require(pixels, requirements=["C", "W"])


def eval_sizes(recipe: Recipe) -> tuple[tuple[int, int], int]:
    """((height, width) of what is seen at evaluation, length of the shorter side before the crop), in pixels."""
    args = recipe.input.args
    size = sides(args["eval_size"] or args["size"])
    return size, round(min(size) / args["crop_fraction"])


def evaluated(image: "torch.Tensor", recipe: Recipe) -> "torch.Tensor":
    """uint8 (3, height, width): a prepared image (3, H, W) as evaluation wants it."""
    side, shorter = eval_sizes(recipe)
    return whole(image, side) if has_masks(recipe.data) else centre(image, side, shorter)


def centre(image: "torch.Tensor", size: tuple[int, int], shorter: int) -> "torch.Tensor":
    """The image's shorter side resized to `shorter`, the centre of `size` cut out; uint8 (3, *size)."""
    from torchvision.transforms.v2 import functional as F

    if min(image.shape[-2:]) != shorter:
        image = F.resize(image, [shorter], antialias=True)
    return F.center_crop(image, list(size))


def whole(image: "torch.Tensor", size: tuple[int, int]) -> "torch.Tensor":
    """The whole image resized to `size`, whatever its aspect."""
    from torchvision.transforms.v2 import functional as F

    return image if image.shape[-2:] == size else F.resize(image, list(size), antialias=True)


def stacked(images: "Sequence[torch.Tensor]") -> "torch.Tensor":
    """A batch (B, 3, H, W) in channels-last layout. Copied by numpy, so that the thread it runs in starts no others."""
    import torch

    pixels = [image.permute(1, 2, 0).numpy() for image in images]
    batch = np.stack(pixels, out=np.empty((len(pixels), *pixels[0].shape), np.uint8))
    return torch.from_numpy(batch).permute(0, 3, 1, 2)


def normalized(batch: "torch.Tensor", recipe: Recipe) -> "torch.Tensor":
    """float32 (B, 3, H, W): (pixel / 255 - mean) / std, by channel; on the batch's device."""
    import torch

    statistics = recipe.input.args["normalize"]
    mean, std = (torch.tensor(statistics[k]).view(1, 3, 1, 1) * 255 for k in ("mean", "std"))
    mean, std = alongside(mean, batch), alongside(std, batch)
    return ((batch.float() - mean) / std).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class TrainingViews:
    """Augmented batches of the training split.

    Drawn afresh each epoch; with `views: K` epoch e sees view (e - 1) mod K, and draws depend on image and view only,
    so that all seeds see the same. Images are counted by their position in the whole split, also where a seed draws
    a share of them: an image is augmented alike whatever else is drawn.
    """

    pictures: Pictures
    recipe: Recipe
    seed: int
    ranks: Ranks = ALONE

    @cached_property
    def positions(self) -> NDArray[np.int64]:
        """The images of the split that this seed trains on."""
        return drawn(self.pictures.items("train"), self.recipe.train_fraction, self.seed)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The images of an epoch in their order: a permutation of those that the seed trains on."""
        rng = np.random.default_rng(derive(self.seed, "order", epoch))
        return self.positions[rng.permutation(len(self.positions))]

    def steps(self) -> int:
        """The number of batches of an epoch."""
        count, size = len(self.positions), self.recipe.batch_size
        alone = count % size == 1 and 1 < size < count  # the last batch of one image that `chosen` leaves out
        return -(-count // size) - alone

    def chosen(self, epoch: int) -> Iterator[NDArray[np.int64]]:
        """The positions of the images of each batch. A last batch of one image is left out: batch norm needs two."""
        order, size = self.order(epoch), self.recipe.batch_size
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            if not len(batch) == 1 < size or len(order) == 1:
                yield batch

    def batches(self, epoch: int, first: int = 0) -> Iterator[tuple["torch.Tensor", "torch.Tensor"]]:
        """(uint8 images (B, 3, height, width), targets (B,) or (B, height, width)), from the batch `first` on.

        Of each batch this process's part. While one is used, the next is made.
        """
        return ahead(self._batches(epoch, first))

    def _batches(self, epoch: int, first: int) -> Iterator[tuple["torch.Tensor", "torch.Tensor"]]:
        draw = self.drawn(epoch)
        for batch in islice(self.chosen(epoch), first, None):
            own = batch[self.ranks.part(len(batch))]
            pairs = [draw(int(i)) for i in (own if len(own) else batch[:1])]  # one, for its shape
            images, targets = stacked([image for image, _ in pairs]), together([target for _, target in pairs])
            yield images[: len(own)], targets[: len(own)]

    def targets(self) -> "torch.Tensor":
        """(N,) the labels of the training images in the order of `items`."""
        import torch

        return torch.tensor([item.label for item in self.pictures.items("train")])

    def view(self, number: int) -> Iterator["torch.Tensor"]:
        """Batches of every training image in one of its K views, in the order of `items`."""
        draw, count = self.drawn(number + 1), len(self.pictures.items("train"))
        for start in range(0, count, EVAL_BATCH):
            yield stacked([draw(i)[0] for i in range(start, min(count, start + EVAL_BATCH))])

    def stream(self, name: str, epoch: int, index: int) -> "torch.Generator":
        """Where the augmentation `name` (see `augment_paths`) takes its draws from for one image in one epoch."""
        views = self.recipe.views
        if views is None:
            return generator(self.seed, "augment", name, epoch, index)
        return generator(0, "view", name, (epoch - 1) % views, index)

    def drawn(self, epoch: int) -> Any:
        """index -> (augmented image, target): what an epoch shows of one training image."""
        recipe, items = self.recipe, self.pictures.items("train")
        size = sides(recipe.input.args["size"])
        paired = has_masks(recipe.data)
        home = augment_home(recipe.data)
        parts = [build(part, home, size if paired else size[0]) for part in recipe.augment]
        names = augment_paths([part.use for part in recipe.augment])

        def labelled(index: int) -> tuple["torch.Tensor", int]:
            image = self.pictures.pixels(items[index])
            for name, part in zip(names, parts, strict=True):
                image = part(image, self.stream(name, epoch, index))
            if tuple(image.shape[-2:]) != size:  # no part has chosen a crop
                image = centre(image, size, round(size[0] / recipe.input.args["crop_fraction"]))
            return image, items[index].label

        def masked(index: int) -> tuple["torch.Tensor", "torch.Tensor"]:
            image, mask = self.pictures.pixels(items[index]), self.pictures.mask(items[index])
            mask = nearest(mask, (image.shape[-2], image.shape[-1]))
            for name, part in zip(names, parts, strict=True):
                image, mask = part(image, mask, self.stream(name, epoch, index))
            return whole(image, size), nearest(mask, size)

        return masked if paired else labelled


def nearest(mask: "torch.Tensor", size: tuple[int, int]) -> "torch.Tensor":
    """The mask at another size: values are chosen, never mixed."""
    from torch.nn.functional import interpolate

    if tuple(mask.shape) == size:
        return mask
    return interpolate(mask[None, None], size=list(size), mode="nearest-exact")[0, 0]


def together(targets: "Sequence[Any]") -> "torch.Tensor":
    """(B,) labels, or (B, H, W) masks, as int64."""
    import torch

    if isinstance(targets[0], int):
        return torch.tensor(targets)
    return torch.from_numpy(np.stack([mask.numpy() for mask in targets]).astype(np.int64))


def ahead(batches: Iterator[T]) -> Iterator[T]:
    """The same batches; while the caller works on one, a thread makes the next."""
    import torch

    threads = torch.get_num_threads()
    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        coming = pool.submit(next, batches, None)
        batch = coming.result()
        torch.set_num_threads(threads)  # some of what the thread has set belongs to the whole process
        while batch is not None:
            coming = pool.submit(next, batches, None)
            yield batch
            batch = coming.result()
