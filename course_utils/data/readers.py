"""Verified files of pictures and text as arrays, and the one import of torchvision that works."""

import gzip
import hashlib
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_utils.data.registry import DatasetInfo, explained, files_of
from course_utils.errors import DataCorruptError

_LIBRARIES: list[Any] = []  # torch forgets declared operators when their library is collected


class Found(NamedTuple):
    """What a reader reads: a split of a data set, from verified files in the registry's order."""

    dataset: DatasetInfo
    split: str
    paths: Sequence[Path]


class Arrays(NamedTuple):
    """What a reader returns; `DataSplit` describes the arrays."""

    x: NDArray[Any]
    y: NDArray[np.int64]
    speakers: NDArray[np.str_] | None = None
    words: NDArray[np.str_] | None = None


def import_torchvision() -> ModuleType:
    """Return torchvision, also where its compiled operators do not load.

    Built for another torch it fails on import, as the schemas of ``nms`` and ``qnms`` are missing.
    Then they are declared without an implementation, and the import is tried again: data sets,
    transforms and networks work, suppression of boxes does not.
    """
    try:
        return import_module("torchvision")
    except RuntimeError as err:
        if "operator torchvision::nms does not exist" not in str(err):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = import_module("torch.library").Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _LIBRARIES.append(library)
    return import_module("torchvision")


def read_digits(found: Found) -> Arrays:
    """Return digits: in each class, rows in the order of their hash are dealt out 3 : 1 : 1."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import

    bunch = load_digits()
    pixels, labels = bunch.images.astype(np.uint8)[:, None], bunch.target.astype(np.uint8)
    if hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest() != found.dataset.sha256:
        raise DataCorruptError("digits of scikit-learn are not the known ones; install it again")
    order = sorted(range(len(labels)), key=lambda i: hashlib.sha256(b"digits:%d" % i).digest())
    turns = {"train": (0, 1, 2), "val": (3,), "test": (4,)}[found.split]
    classes = [[row for row in order if labels[row] == label] for label in range(10)]
    rows = sorted(row for each in classes for turn in turns for row in each[turn::5])
    return Arrays(pixels[rows] / np.float32(16), labels[rows].astype(np.int64))


def read_text(found: Found) -> Arrays:
    """Return the codes of a split and those one further on; train comes first in the file."""
    codes = np.fromfile(found.paths[0], dtype=np.uint8)
    border = (
        found.dataset.splits["train"] + 1
    )  # the last character of a split has no successor in it
    part = codes[:border] if found.split == "train" else codes[border:]
    return Arrays(part[:-1], part[1:].astype(np.int64))


def read_images(found: Found) -> Arrays:
    """Unpack the archives as the class of torchvision wants them, and read them with it."""
    dataset, split, paths = found
    published = getattr(import_torchvision().datasets, dataset.reader)
    inner = getattr(published, "base_folder", f"{dataset.reader}/raw")
    names = [PurePosixPath(file.path).name for file in files_of(dataset, split)]
    # The class asks for the files of every split; those of the other one may not be here.
    one_split = type(dataset.reader, (published,), {"resources": [(name, "") for name in names]})
    remedy = "free some space there, or set TMPDIR to another folder"
    with (
        explained(f"{dataset.name} cannot be unpacked in {tempfile.gettempdir()}", remedy),
        tempfile.TemporaryDirectory() as folder,
    ):
        for name, path in zip(names, paths, strict=True):
            _unpack(path, name, Path(folder) / inner)
        images = one_split(folder, train=split == "train")
    x, y = np.asarray(images.data), np.asarray(images.targets, dtype=np.int64)
    x = x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)
    return Arrays(np.divide(x, 255, dtype=np.float32, order="C"), y)


def _unpack(archive: Path, name: str, folder: Path) -> None:
    """Write the files of a tar flat into a folder, or what a .gz file holds."""
    folder.mkdir(parents=True, exist_ok=True)
    if name.endswith(".tar.gz"):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and (content := tar.extractfile(member)):
                    (folder / PurePosixPath(member.name).name).write_bytes(content.read())
        return
    with gzip.open(archive) as source, (folder / name.removesuffix(".gz")).open("wb") as target:
        shutil.copyfileobj(source, target)
