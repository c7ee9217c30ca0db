"""Data sets: where their files are, whether the bytes are the right ones, and their arrays.

A named set is looked for in this order, and the first place that has it wins::

    explicit path   what the caller of `load` names; nothing else is tried
    COURSE_DATA     a folder of archives already there (environment variable)
    cache           the system's folder for caches, or COURSE_CACHE (environment variable)
    a download      from the address in datasets/registry.toml, into the cache

Size and sha256 are checked at every use. What is nowhere raises `DataMissingError`, what is not
whole `DataCorruptError`, each with the remedy; a set is never replaced by another. Only the cache
is written to. Embedded sets (``digits``, ``keywords_synthetic``, ``tinyshakespeare``) come with a
package or with this project and look nowhere else; ``keywords_synthetic_full`` is made instead of
downloaded. The one import of torchvision that always works is here too. It neither batches nor
augments.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.data import places, readers
from course_utils.data.places import cache_folder, fetch, locate
from course_utils.data.readers import import_torchvision
from course_utils.data.registry import (
    DataFile,
    DatasetInfo,
    info,
    list_datasets,
    parse_registry,
    registry_folder,
)
from course_utils.errors import DataError

__all__ = [
    "DataFile", "DataSplit", "DatasetInfo", "cache_folder", "fetch", "import_torchvision", "info",
    "list_datasets", "load", "locate", "parse_registry", "registry_folder",
]  # fmt: skip


READERS = {  # of ours, with their modules; any other is a class of torchvision
    **dict.fromkeys(("digits", "text"), "readers"),
    **dict.fromkeys(("keywords", "recordings", "spoken_digits"), "speech"),
}


@dataclass(frozen=True, eq=False, repr=False)
class DataSplit:
    """One split of a data set as arrays.

    x : images (n, channels, height, width), float32 in [0, 1]; text (n,), uint8 character codes;
        speech (n, 16000), float32 in [-1, 1], one second at 16 kHz.
    y : (n,), int64; the class of an image or clip, or the code of the character that follows.
    name, split : what was asked for.
    source : the package or the places (see the top of this module) that had the files.
    speakers, words : (n,), text; who said a clip, and what; None for other data. Noise has no
        speaker: each clip of it counts as one of its own, or a recording does.
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    name: str
    split: str
    source: str
    speakers: NDArray[np.str_] | None = None
    words: NDArray[np.str_] | None = None

    def __repr__(self) -> str:
        x, y = (f"{array.shape} {array.dtype}" for array in (self.x, self.y))
        return f"{self.name} {self.split}: x {x}, y {y}, from {self.source}"


def load(name: str, *, split: str = "train", path: str | Path | None = None) -> DataSplit:
    """Return one split of a data set as arrays, from verified files only.

    Parameters
    ----------
    name, split
        Name in the registry, and one of ``info(name).splits``.
    path
        Look only in this folder or at this file. None: the places above in their order, and a
        file that is nowhere is downloaded or made. Raises the errors of `fetch`.

    Examples
    --------
    >>> load("digits", split="test")
    digits test: x (355, 1, 8, 8) float32, y (355,) int64, from scikit-learn
    """
    dataset = info(name)
    if dataset.embedded and path is not None:
        raise DataError(f"{name} comes with {dataset.embedded}; leave out the path {path}")
    otherwise = places.get if path is None else places.refuse
    roots = places.roots_of(dataset, path)
    found = places.obtain(dataset, split, roots=roots, otherwise=otherwise)
    source = ", ".join(sorted(set(found.values()))) or dataset.embedded
    read = _reader(dataset.reader)(readers.Found(dataset, split, tuple(found)))
    return DataSplit(read.x, read.y, name, split, source, read.speakers, read.words)


def _reader(name: str) -> Any:
    """Return the function that a registry's ``reader`` names, or the one for torchvision's."""
    if name not in READERS:
        return readers.read_images
    return getattr(import_module(f"course_utils.data.{READERS[name]}"), f"read_{name}")
