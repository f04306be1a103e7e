"""Images decoded as the scan decodes them: first in a confined process, then here, if they did it no harm."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from paribus import images
from paribus.errors import DataChanged, Problem
from paribus.images import ImageProblem
from paribus.scan.reading import Files
from paribus.scan.sandbox import Sandbox

Pixels = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True)
class Looked(Generic[T]):
    """A file and what was made of its pixels, or why there is nothing."""

    path: Path
    made: T | Problem


def looked(paths: Iterator[Path], make: Callable[[Pixels], T], together: int) -> Iterator[list[Looked[T]]]:
    """Lists of at most `together` files in their order, each decoded (limits, EXIF and transparency as in a scan)."""

    def one(path: Path) -> Looked[T]:
        name = str(path)
        try:
            facts = sandbox.look(Files(name, path))
            return Looked(path, make(images.decode(path, sha256=facts.sha256, name=name)))
        except (ImageProblem, DataChanged) as error:
            return Looked(path, error.problems[0])

    with ThreadPoolExecutor(2) as pool, Sandbox() as sandbox:
        while some := list(islice(paths, together)):
            yield list(pool.map(one, some))
