"""Data sets: where their files are, whether the bytes are the right ones, and their arrays.

A named set is looked for in this order, and the first place that has it wins::

    explicit path   what the caller of `load` names; nothing else is tried
    COURSE_DATA     a folder of archives already there (environment variable)
    cache           the system's folder for caches, or COURSE_CACHE (environment variable)
    a download      from the address in datasets/registry.toml, into the cache

Size and sha256 are checked at every use. What is nowhere raises `DataMissingError`, what is not
whole `DataCorruptError`, each with the remedy; a set is never replaced by another. Only the cache
is written to. Embedded sets (``digits``) come with a package and look nowhere else. The one import
of torchvision that always works is here too. It neither batches nor augments.
"""

import difflib
import gzip
import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
import pooch
from numpy.typing import NDArray
from requests import RequestException  # what pooch downloads with

from course_utils.errors import DataCorruptError, DataError, DataMissingError, UnknownDataError
from course_utils.units import MI

TIMEOUT_S = 30.0  # without a byte from the server
REMEDIES = {  # of a damaged file, by its place
    "explicit path": "give the original, or the folder that holds all files of the set",
    "COURSE_DATA": "restore it, or delete it and run: lab data fetch {name}",
    "cache": "run: lab data fetch {name} (it replaces the file)",
}
_LIBRARIES: list[Any] = []  # torch forgets declared operators when their library is collected


@dataclass(frozen=True)
class DataFile:
    """A file of a data set, or with neither url nor splits another form of the same data."""

    path: str  # path within COURSE_DATA and the cache
    size_bytes: int  # size_bytes and sha256 are those of the file as served
    sha256: str
    url: str = ""  # url that serves it
    splits: Sequence[str] = ()  # splits that need it
    also: tuple["DataFile", ...] = ()  # also accepted: such forms, compressed anew


@dataclass(frozen=True)
class DatasetInfo:
    """What the registry knows of a data set, before any byte of it is read."""

    name: str
    title: str
    licence: str  # licence in a line; the card has the rest
    source: str  # source is a page for people
    citation: str  # citation as text
    reader: str  # reader is a class of torchvision, ``digits`` or ``text``
    splits: Mapping[str, int]  # splits with their numbers of examples
    classes: Sequence[str] = ()  # classes by the value of y
    files: tuple[DataFile, ...] = ()  # files to be had
    embedded: str = ""  # embedded: the package that brings the set, in place of files
    sha256: str = ""  # sha256 of the pixels and labels of an embedded set

    @property
    def download_bytes(self) -> int:
        """Bytes of all files as downloaded; 0 for an embedded set."""
        return sum(file.size_bytes for file in self.files)

    @property
    def card(self) -> Path:
        """The page on the origin, licence and limits of the set."""
        return registry_folder() / "cards" / f"{self.name}.md"


@dataclass(frozen=True, eq=False, repr=False)
class DataSplit:
    """One split of a data set as arrays.

    x : images (n, channels, height, width), float32 in [0, 1]; text (n,), uint8 character codes.
    y : (n,), int64; the class of an image, or the code of the character that follows.
    name, split : what was asked for.
    source : the package or the places (see the top of this module) that had the files.
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    name: str
    split: str
    source: str

    def __repr__(self) -> str:
        x, y = (f"{array.shape} {array.dtype}" for array in (self.x, self.y))
        return f"{self.name} {self.split}: x {x}, y {y}, from {self.source}"


Arrays = tuple[NDArray[Any], NDArray[np.int64]]
Places = Mapping[str, Path]


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


def registry_folder() -> Path:
    """Return the folder of registry.toml and cards: in the installed package, or beside it."""
    packaged = Path(__file__).parent / "datasets"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "datasets"


def cache_folder() -> Path:
    """Return the folder that downloads are kept in: COURSE_CACHE, else the system's cache."""
    return Path(os.environ.get("COURSE_CACHE") or pooch.os_cache("mlsys-course")).expanduser()


def parse_registry(text: str) -> tuple[DatasetInfo, ...]:
    """Return the data sets that the text of a registry describes; a wrong key is a `DataError`."""

    def file_of(fields: dict[str, Any]) -> DataFile:
        return DataFile(**fields | {"also": tuple(map(file_of, fields.get("also", ())))})

    datasets = []
    try:
        for name, fields in tomllib.loads(text).items():
            fields["files"] = tuple(map(file_of, fields.get("files", ())))
            datasets.append(DatasetInfo(name, **fields))
    except (tomllib.TOMLDecodeError, TypeError, AttributeError) as err:
        raise DataError(f"the registry of data sets is not valid: {err}") from err
    return tuple(datasets)


def list_datasets() -> tuple[DatasetInfo, ...]:
    """Return every data set of the registry, the embedded default first."""
    with _explained("the registry of data sets cannot be read", "install the project again"):
        return parse_registry((registry_folder() / "registry.toml").read_text(encoding="utf-8"))


def info(name: str) -> DatasetInfo:
    """Return what the registry knows of a data set, or raise `UnknownDataError`.

    Examples
    --------
    >>> info("mnist").splits["test"], info("mnist").download_bytes
    (10000, 11594722)
    >>> info("minst")
    Traceback (most recent call last):
    ...
    course_utils.errors.UnknownDataError: no data set 'minst'; did you mean 'mnist'?
    """
    known = {each.name: each for each in list_datasets()}
    if name not in known:
        raise UnknownDataError(f"no data set {name!r}; {_suggest(name, known)}")
    return known[name]


def locate(name: str, *, split: str | None = None) -> tuple[Path, ...]:
    """Return the verified files of a set, or of one split of it; never downloads.

    Raises a `DataError` if a file is nowhere or damaged. An embedded set has no files of its own.
    """
    return tuple(_obtain(info(name), split, _places(None), _refuse))


def fetch(name: str, *, split: str | None = None) -> tuple[Path, ...]:
    """Return the verified files of a set or split, downloading those that are nowhere.

    A damaged file in the cache is replaced, one in COURSE_DATA reported and left alone. Raises a
    `DataError` also when network, server or disk fail; nothing is left half-written.
    """
    dataset = info(name)
    with _explained(f"{name}: a file in {cache_folder()} cannot be replaced", "delete it"):
        for file in _files_of(dataset, split):
            if (cached := cache_folder() / file.path).is_file() and _problem(cached, [file]):
                cached.unlink(missing_ok=True)
    return tuple(_obtain(dataset, split, _places(None), _download))


def load(name: str, *, split: str = "train", path: str | Path | None = None) -> DataSplit:
    """Return one split of a data set as arrays, from verified files only.

    Parameters
    ----------
    name, split
        Name in the registry, and one of ``info(name).splits``.
    path
        Look only in this folder or at this file. None: the places above in their order, and a
        file that is nowhere is downloaded. Raises the errors of `fetch`.

    Examples
    --------
    >>> load("digits", split="test")
    digits test: x (355, 1, 8, 8) float32, y (355,) int64, from scikit-learn
    """
    dataset = info(name)
    if dataset.embedded and path is not None:
        raise DataError(f"{name} comes with {dataset.embedded}; leave out the path {path}")
    found = _obtain(dataset, split, _places(path), _download if path is None else _refuse)
    source = ", ".join(sorted(set(found.values()))) or dataset.embedded
    read = {"digits": _read_digits, "text": _read_text}.get(dataset.reader, _read_images)
    return DataSplit(*read(dataset, split, tuple(found)), name, split, source)


@contextmanager
def _explained(what: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise DataError(f"{what} ({err.strerror or err}); {remedy}") from err


def _suggest(word: str, allowed: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(str(word).casefold(), allowed, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(allowed)}"


def _files_of(dataset: DatasetInfo, split: str | None) -> list[DataFile]:
    if split is not None and split not in dataset.splits:
        raise DataError(f"no split {split!r} in {dataset.name}; {_suggest(split, dataset.splits)}")
    return [file for file in dataset.files if split is None or split in file.splits]


def _places(path: str | Path | None) -> dict[str, Path]:
    if path is not None:
        return {"explicit path": Path(path).expanduser()}
    chosen = os.environ.get("COURSE_DATA")
    archives = {"COURSE_DATA": Path(chosen).expanduser()} if chosen else {}
    return archives | {"cache": cache_folder()}


def _present(file: DataFile, place: str, root: Path) -> list[Path]:
    """Return where the file, in any of its forms, lies within a place."""
    names = [form.path for form in (file, *file.also)]
    if place == "explicit path":  # the file itself and the folder that holds it will do
        names += [PurePosixPath(name).name for name in names] + [""]
    return [root / name for name in names if (root / name).is_file()]


def _obtain(
    dataset: DatasetInfo, split: str | None, places: Places, otherwise: Callable[..., Path]
) -> dict[Path, str]:
    """Return the verified files, each with its place; `otherwise` serves those in none.

    The first place that has a file counts, and the file must be whole there.
    """
    found = {}
    for file in _files_of(dataset, split):
        with _explained(f"{dataset.name}: {file.path} cannot be read", "check its permissions"):
            held = [(x, place) for place in places for x in _present(file, place, places[place])]
            if held and (problem := _problem(held[0][0], (file, *file.also))):
                path, place = held[0]
                remedy = REMEDIES[place].format(name=dataset.name)
                raise DataCorruptError(f"{dataset.name}: {path} {problem}; {remedy}")
        path, place = held[0] if held else (otherwise(dataset, file, places), "cache")
        found[path] = place
    return found


def _problem(path: Path, forms: Sequence[DataFile]) -> str:
    """Return how a file differs from every form it may have, or an empty text."""
    with path.open("rb") as stream:
        seen = path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest()
    known = {(form.size_bytes, form.sha256): None for form in forms}  # each once, in order
    has, *expected = (f"{size:,} bytes with sha256 {sha[:12]}..." for size, sha in (seen, *known))
    return "" if seen in known else f"has {has}, expected {' or '.join(expected)}"


def _refuse(dataset: DatasetInfo, file: DataFile, places: Places, *, failure: str = "") -> NoReturn:
    """Say where a file was looked for, which splits those places hold, and what to do."""
    searched = []
    for place, root in places.items():
        absent = {s for f in dataset.files if not _present(f, place, root) for s in f.splits}
        held = ", ".join(s for s in dataset.splits if s not in absent) or "none"
        searched.append(f"{place} {root} (splits there: {held})")
    raise DataMissingError(
        f"{dataset.name}: {file.path} for split {' and '.join(file.splits)} is not in "
        f"{' nor in '.join(searched)}{failure}; with a network run: lab data fetch "
        f"{dataset.name}, or let COURSE_DATA name a folder that holds the file"
    )


def _download(dataset: DatasetInfo, file: DataFile, places: Places) -> Path:
    """Download a file beside its place in the cache and move it there once it is verified."""
    target = cache_folder() / file.path
    headers = {"Accept-Encoding": "identity"}  # no server shall unpack what it sends
    request = pooch.HTTPDownloader(chunk_size=MI, timeout=TIMEOUT_S, headers=headers)
    remedy = "free some space there, or set COURSE_CACHE to another folder"
    with _explained(f"{dataset.name}: the cache {target.parent} cannot be written", remedy):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as folder:
            part = Path(folder) / target.name
            try:
                request(file.url, str(part), None)
            except RequestException as err:
                why = getattr(err.response, "status_code", type(err).__name__)
                if err.response is not None:  # pooch leaves the connection open
                    err.response.close()
                _refuse(dataset, file, places, failure=f", and {file.url} failed ({why})")
            if problem := _problem(part, [file]):
                message = f"{dataset.name}: {file.url} sent a file that {problem}; it was not kept"
                raise DataCorruptError(f"{message}, try again later or see {dataset.source}")
            return part.replace(target)


def _read_digits(dataset: DatasetInfo, split: str, _: Sequence[Path]) -> Arrays:
    """Return digits: in each class, rows in the order of their hash are dealt out 3 : 1 : 1."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import

    bunch = load_digits()
    pixels, labels = bunch.images.astype(np.uint8)[:, None], bunch.target.astype(np.uint8)
    if hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest() != dataset.sha256:
        raise DataCorruptError("digits of scikit-learn are not the known ones; install it again")
    order = sorted(range(len(labels)), key=lambda i: hashlib.sha256(b"digits:%d" % i).digest())
    turns = {"train": (0, 1, 2), "val": (3,), "test": (4,)}[split]
    classes = [[row for row in order if labels[row] == label] for label in range(10)]
    rows = sorted(row for each in classes for turn in turns for row in each[turn::5])
    return pixels[rows] / np.float32(16), labels[rows].astype(np.int64)


def _read_text(dataset: DatasetInfo, split: str, paths: Sequence[Path]) -> Arrays:
    """Return the codes of a split and those one further on; train comes first in the file."""
    codes = np.fromfile(paths[0], dtype=np.uint8)
    border = dataset.splits["train"] + 1  # the last character of a split has no successor in it
    part = codes[:border] if split == "train" else codes[border:]
    return part[:-1], part[1:].astype(np.int64)


def _read_images(dataset: DatasetInfo, split: str, paths: Sequence[Path]) -> Arrays:
    """Unpack the archives as the class of torchvision wants them, and read them with it."""
    published = getattr(import_torchvision().datasets, dataset.reader)
    inner = getattr(published, "base_folder", f"{dataset.reader}/raw")
    names = [PurePosixPath(file.path).name for file in _files_of(dataset, split)]
    # The class asks for the files of every split; those of the other one may not be here.
    one_split = type(dataset.reader, (published,), {"resources": [(name, "") for name in names]})
    remedy = "free some space there, or set TMPDIR to another folder"
    with (
        _explained(f"{dataset.name} cannot be unpacked in {tempfile.gettempdir()}", remedy),
        tempfile.TemporaryDirectory() as folder,
    ):
        for name, path in zip(names, paths, strict=True):
            _unpack(path, name, Path(folder) / inner)
        images = one_split(folder, train=split == "train")
    x, y = np.asarray(images.data), np.asarray(images.targets, dtype=np.int64)
    x = x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)
    return np.divide(x, 255, dtype=np.float32, order="C"), y


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
