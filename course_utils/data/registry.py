"""What is known of each data set before a byte of it is read: datasets/registry.toml as objects."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils.errors import DataError, UnknownDataError


@dataclass(frozen=True)
class DataFile:
    """A file of a data set, or with neither url nor splits another form of the same data.

    A file without url and maker cannot be downloaded: it must lie in COURSE_DATA.
    """

    path: str  # path within COURSE_DATA and the cache, or of an embedded set within datasets/
    size_bytes: int  # size_bytes and sha256 are those of the file as served
    sha256: str
    url: str = ""  # url that serves it
    maker: str = ""  # program in datasets/ that makes it; other machines may make other bytes
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
    reader: str  # reader is a class of torchvision, or a function of `readers` or `speech`
    splits: Mapping[str, int]  # splits with their numbers of examples
    classes: Sequence[str] = ()  # classes by the value of y
    files: tuple[DataFile, ...] = ()  # files to be had
    embedded: str = ""  # embedded: the package that brings the set, with or without files
    sha256: str = ""  # sha256 of the pixels and labels of an embedded set without files

    @property
    def download_bytes(self) -> int:
        """Bytes of all files as downloaded; 0 for a set that is embedded, made or only given."""
        return 0 if self.embedded else sum(file.size_bytes for file in self.files if file.url)

    @property
    def card(self) -> Path:
        """The page on the origin, licence and limits of the set."""
        return registry_folder() / "cards" / f"{self.name}.md"


def registry_folder() -> Path:
    """Return the folder of registry.toml and cards: in the installed package, or beside it."""
    package = Path(__file__).parents[1]
    packaged = package / "datasets"
    return packaged if packaged.is_dir() else package.parent / "datasets"


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
    """Return every data set of the registry, the embedded defaults first."""
    with explained("the registry of data sets cannot be read", "install the project again"):
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
        raise UnknownDataError(f"no data set {name!r}; {suggest(name, known)}")
    return known[name]


def files_of(dataset: DatasetInfo, split: str | None) -> list[DataFile]:
    """Return the files that a split needs, or all; an unknown split is a `DataError`."""
    if split is not None and split not in dataset.splits:
        raise DataError(f"no split {split!r} in {dataset.name}; {suggest(split, dataset.splits)}")
    return [file for file in dataset.files if split is None or split in file.splits]


def suggest(word: str, allowed: Mapping[str, Any]) -> str:
    """Return the half sentence that ends a message on an unknown name."""
    close = difflib.get_close_matches(str(word).casefold(), allowed, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(allowed)}"


@contextmanager
def explained(what: str, remedy: str) -> Iterator[None]:
    """Turn an error of the system into one line that says what failed and what to do."""
    try:
        yield
    except OSError as err:
        raise DataError(f"{what} ({err.strerror or err}); {remedy}") from err
