"""Where the files of a data set are, and whether the bytes are the right ones; see the package.

It knows files and hashes, and nothing of what is in them.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import NoReturn

import pooch
from requests import RequestException  # what pooch downloads with

from course_utils.data import registry
from course_utils.data.registry import DataFile, DatasetInfo, explained, files_of
from course_utils.errors import DataCorruptError, DataMissingError
from course_utils.units import MI

TIMEOUT_S = 30.0  # without a byte from the server
THIS_PROJECT = "this project"  # the place of embedded files
REMEDIES = {  # of a damaged file, by its place
    "explicit path": "give the original, or the folder that holds all files of the set",
    "COURSE_DATA": "restore it, or delete it and run: lab data fetch {name}",
    "cache": "run: lab data fetch {name} (it replaces the file)",
    THIS_PROJECT: "install the project again",
}
Roots = Mapping[str, Path]  # places and the folders that stand for them, in their order


def cache_folder() -> Path:
    """Return the folder that downloads are kept in: COURSE_CACHE, else the system's cache."""
    return Path(os.environ.get("COURSE_CACHE") or pooch.os_cache("mlsys-course")).expanduser()


def locate(name: str, *, split: str | None = None) -> tuple[Path, ...]:
    """Return the verified files of a set, or of one split of it; never downloads.

    Raises a `DataError` if a file is nowhere or damaged. A set that comes with another package has
    no files of its own.
    """
    dataset = registry.info(name)
    return tuple(obtain(dataset, split, roots=roots_of(dataset), otherwise=refuse))


def fetch(name: str, *, split: str | None = None) -> tuple[Path, ...]:
    """Return the verified files of a set or split, downloading or making those that are nowhere.

    A damaged file in the cache is replaced, one in COURSE_DATA reported and left alone. Raises a
    `DataError` also when network, server or disk fail; nothing is left half-written.
    """
    dataset = registry.info(name)
    with explained(f"{name}: a file in {cache_folder()} cannot be replaced", "delete it"):
        for file in files_of(dataset, split):
            if (cached := cache_folder() / file.path).is_file() and problem(cached, [file]):
                cached.unlink(missing_ok=True)
    return tuple(obtain(dataset, split, roots=roots_of(dataset), otherwise=get))


def roots_of(dataset: DatasetInfo, path: str | Path | None = None) -> dict[str, Path]:
    """Return the places that may have the files of a set, in their order, with their folders."""
    if path is not None:
        return {"explicit path": Path(path).expanduser()}
    if dataset.embedded:
        return {THIS_PROJECT: registry.registry_folder()}
    chosen = os.environ.get("COURSE_DATA")
    archives = {"COURSE_DATA": Path(chosen).expanduser()} if chosen else {}
    return archives | {"cache": cache_folder()}


def obtain(
    dataset: DatasetInfo, split: str | None, *, roots: Roots, otherwise: Callable[..., Path]
) -> dict[Path, str]:
    """Return the verified files of a dataset's split, or of all, each with its place.

    The first of the roots that has a file counts, and the file must be whole there; `otherwise`,
    which is `get` or `refuse`, serves those that none has.
    """
    found = {}
    for file in files_of(dataset, split):
        with explained(f"{dataset.name}: {file.path} cannot be read", "check its permissions"):
            held = [(x, place) for place in roots for x in _present(file, place, roots[place])]
            if held and (wrong := problem(held[0][0], (file, *file.also))):
                path, place = held[0]
                remedy = REMEDIES[place].format(name=dataset.name)
                raise DataCorruptError(f"{dataset.name}: {path} {wrong}; {remedy}")
        path, place = held[0] if held else (otherwise(dataset, file, roots=roots), "cache")
        found[path] = place + _note(path, file)
    return found


def problem(path: Path, forms: Sequence[DataFile]) -> str:
    """Return how a file differs from every form it may have, or an empty text."""
    seen = _identity(path)
    known = {(form.size_bytes, form.sha256): None for form in forms}  # each once, in order
    if seen in known or (forms[0].maker and _is_complete(path)):
        return ""
    has, *expected = (f"{size:,} bytes with sha256 {sha[:12]}..." for size, sha in (seen, *known))
    return f"has {has}, expected {' or '.join(expected)}"


def refuse(dataset: DatasetInfo, file: DataFile, *, roots: Roots, failure: str = "") -> NoReturn:
    """Say under which roots a file of the dataset was looked for, what they hold, and what to do.

    `failure` says what else was tried and went wrong.
    """
    searched = []
    for place, root in roots.items():
        absent = {s for f in dataset.files if not _present(f, place, root) for s in f.splits}
        held = ", ".join(s for s in dataset.splits if s not in absent) or "none"
        searched.append(f"{place} {root} (splits there: {held})")
    raise DataMissingError(
        f"{dataset.name}: {file.path} for split {' and '.join(file.splits)} is not in "
        f"{' nor in '.join(searched)}{failure}; {_remedy(dataset, file)}"
    )


def get(dataset: DatasetInfo, file: DataFile, *, roots: Roots) -> Path:
    """Download or make a dataset's file beside its place in the cache; move it there once verified.

    `roots` are named where that is not possible.
    """
    if not (file.url or file.maker):
        refuse(dataset, file, roots=roots)
    target = cache_folder() / file.path
    remedy = "free some space there, or set COURSE_CACHE to another folder"
    with explained(f"{dataset.name}: the cache {target.parent} cannot be written", remedy):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as folder:
            part = Path(folder) / target.name
            if file.maker:
                _make(dataset, file, part)
            else:
                _download(dataset, file, part, roots=roots)
            return part.replace(target)


def _download(dataset: DatasetInfo, file: DataFile, part: Path, *, roots: Roots) -> None:
    headers = {"Accept-Encoding": "identity"}  # no server shall unpack what it sends
    request = pooch.HTTPDownloader(chunk_size=MI, timeout=TIMEOUT_S, headers=headers)
    try:
        request(file.url, str(part), None)
    except RequestException as err:
        why = getattr(err.response, "status_code", type(err).__name__)
        if err.response is not None:  # pooch leaves the connection open
            err.response.close()
        refuse(dataset, file, roots=roots, failure=f", and {file.url} failed ({why})")
    if wrong := problem(part, [file]):
        message = f"{dataset.name}: {file.url} sent a file that {wrong}; it was not kept"
        raise DataCorruptError(f"{message}, try again later or see {dataset.source}")


def _make(dataset: DatasetInfo, file: DataFile, part: Path) -> None:
    """Run the maker of a file in a process of its own, which has spoken nothing before."""
    program, *options = file.maker.split()
    if find_spec("espeakng_loader") is None:
        raise DataMissingError(
            f"{dataset.name} is made by espeak-ng, which is not installed; run: "
            f'python -m pip install "mlsys-course[speech]", then: lab data fetch {dataset.name}'
        )
    command = [sys.executable, str(registry.registry_folder() / program), str(part), *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode or problem(part, [file]):
        last = (done.stderr.strip().splitlines() or ["it wrote no whole file"])[-1]
        raise DataMissingError(f"{dataset.name}: {program} failed ({last}); see {dataset.source}")


def _present(file: DataFile, place: str, root: Path) -> list[Path]:
    """Return where the file, in any of its forms, lies within a place."""
    names = [form.path for form in (file, *file.also)]
    if place == "explicit path":  # the file itself and the folder that holds it will do
        names += [PurePosixPath(name).name for name in names] + [""]
    return [root / name for name in names if (root / name).is_file()]


def _identity(path: Path) -> tuple[int, str]:
    with path.open("rb") as stream:
        return path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest()


def _is_complete(path: Path) -> bool:
    """Whether an archive made here has a member for each line of its manifest, the head's too."""
    try:
        with tarfile.open(path) as tar:
            manifest = tar.extractfile("manifest.csv")
            return manifest is not None and manifest.read().count(b"\n") == len(tar.getnames())
    except (tarfile.TarError, KeyError):
        return False


def _note(path: Path, file: DataFile) -> str:
    """Return what to add to the place of a made file that is not the registered one."""
    if not file.maker or _identity(path) == (file.size_bytes, file.sha256):
        return ""
    return " (made with other rounding or another encoder than the registered one)"


def _remedy(dataset: DatasetInfo, file: DataFile) -> str:
    fetch = f"lab data fetch {dataset.name}"
    if file.url:
        also = "or let COURSE_DATA name a folder that holds the file"
        return f"with a network run: {fetch}, {also}"
    if file.maker:
        return f"run: {fetch} (it is made here)"
    given = "it cannot be downloaded: let COURSE_DATA name a folder that holds the file"
    return REMEDIES[THIS_PROJECT] if dataset.embedded else given
