"""The submissions of one lab: what is graded, under which name, and what was refused.

They are read from a collected folder, from Moodle's download as it is, or from a folder that
somebody made, one at a time and only when asked for. Nothing here grades or writes.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import overload

from grading.errors import ArchiveError
from grading.moodle.archives import DOWNLOAD, Archive, Entry, Refused
from grading.moodle.collection import NOTEBOOK, SUBMISSIONS, Record, is_collection, read_collection
from grading.moodle.contents import MAX_NOTEBOOK_BYTES, Contents, find
from grading.moodle.downloads import Slot, sort
from grading.moodle.file_names import is_junk, name_problem, shown
from grading.moodle.folders import IS_LINK, entry, read_file, walk
from grading.moodle.identities import match, pseudonyms
from grading.moodle.names import parse
from labs.engine.catalog import Lab
from labs.engine.errors import UsageError

_MAX_ID_LENGTH = 80
_HANDED_IN = (".ipynb", ".zip")
MISSING = "nothing was handed in"


@dataclass(frozen=True)
class Submission:
    """One submission, by one student or one team.

    Parameters
    ----------
    id
        Its pseudonym, or the name of its folder: letters, digits, ``.``, ``_`` and ``-``.
    notebook
        Content of the notebook to grade, as submitted; None if there is none.
    problem
        Why it was refused, in a sentence; empty if it was not. ``notebook`` is None then.
    notes
        What a person should know: several notebooks, a file that was left out.
    url
        Link to Colab as submitted, shown and never fetched; empty if there is none.
    submitted
        When it was handed in, with time zone; None if unknown.
    person
        Pseudonyms of its people over the term, for the budget of late days; empty if unknown.
    is_missing
        Whether the worksheet names the person and nothing was handed in; `problem` says so too.
    """

    id: str
    notebook: bytes | None
    problem: str = ""
    notes: tuple[str, ...] = ()
    url: str = ""
    submitted: datetime | None = None
    person: tuple[str, ...] = ()
    is_missing: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of what is graded; the same content is never graded twice."""
        parts = [self.notebook or b"", self.problem.encode(), *(n.encode() for n in self.notes)]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()


class Submissions(Sequence[Submission]):
    """Submissions in the order of their ids, each read anew whenever it is asked for.

    Parameters
    ----------
    loaders
        Id -> what reads the submission.
    leftovers
        What belongs to no submission, each with its reason.
    """

    def __init__(
        self, loaders: Mapping[str, Callable[[], Submission]], leftovers: Iterable[Refused] = ()
    ) -> None:
        self._loaders = loaders
        self.ids = tuple(sorted(loaders))
        self.leftovers = tuple(leftovers)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Submission: ...
    @overload
    def __getitem__(self, index: slice) -> "Submissions": ...
    def __getitem__(self, index: int | slice) -> "Submission | Submissions":
        if isinstance(index, slice):
            return Submissions({key: self._loaders[key] for key in self.ids[index]})
        return self.load(self.ids[index])

    def __iter__(self) -> Iterator[Submission]:
        return map(self.load, self.ids)

    def load(self, submission: str) -> Submission:
        """Return the submission of this id; KeyError if there is none."""
        return self._loaders[submission]()


def read_submissions(
    path: str | Path, *, lab: Lab | None = None, secret: bytes | None = None
) -> Submissions:
    """Return the submissions at a path; one that is bad in any way is there with its problem.

    Parameters
    ----------
    path
        A folder of ``course collect``; Moodle's download, packed or unpacked; a folder or a zip
        with one sub-folder, notebook or zip a submission; a single notebook.
    lab
        The lab they are for: its notebook comes first among several in one submission.
    secret
        The course's secret: with it, people in Moodle's download get the pseudonyms that
        ``course collect`` gives them, else Moodle's numbers.

    Raises
    ------
    UsageError
        If there is nothing there to read submissions from.
    """
    place = Path(path)
    if place.is_dir():
        is_ours = is_collection(place)
        return _of_collection(place, lab) if is_ours else _of_folder(place, lab, secret)
    if not place.is_file():
        raise UsageError(f"{place} is not there; submissions are a folder or a .zip")
    if place.suffix.lower() == ".ipynb":
        return _of_items({place.stem: [_read_entry(place)]}, lab)
    try:
        archive = Archive(place, caps=DOWNLOAD, is_unique=False)
    except ArchiveError as err:
        raise UsageError(f"{place} {err}") from err
    found = sort(archive.entries, archive.folders)
    if found.slots:
        return _of_slots(found.slots, found.leftovers, lab=lab, secret=secret)
    return _of_items(_by_folder(archive.entries, place.stem), lab)


def _of_collection(folder: Path, lab: Lab | None) -> Submissions:
    collection = read_collection(folder)
    if lab is not None and collection.lab != lab.name:
        raise UsageError(
            f"{folder} holds what was handed in for {collection.lab}, not for {lab.name}; "
            f"grade it as {collection.lab}, or give the folder of {lab.name}"
        )
    if not collection.is_complete:
        raise UsageError(f"{folder} was not collected to the end; collect the download again")
    records = collection.records
    return Submissions({key: partial(_collected, folder, records[key]) for key in records})


def _collected(folder: Path, record: Record) -> Submission:
    notebook, problem = None, record.problem
    if not problem:
        try:
            path = folder / SUBMISSIONS / record.id / NOTEBOOK
            notebook = read_file(path, MAX_NOTEBOOK_BYTES)
        except ArchiveError as err:
            problem = f"the collected notebook {err}; collect the download again"
    return Submission(
        record.id,
        notebook,
        problem=problem,
        notes=record.notes,
        url=record.url,
        submitted=record.submitted,
        person=record.person,
        is_missing=record.is_missing,
    )


def _of_folder(folder: Path, lab: Lab | None, secret: bytes | None) -> Submissions:
    children = [child for child in sorted(folder.iterdir()) if not is_junk(child.name)]
    if any(parse(child.name) for child in children):
        found = sort(*walk(folder, caps=DOWNLOAD))
        return _of_slots(found.slots, found.leftovers, lab=lab, secret=secret)
    loaders: dict[str, Callable[[], Contents]] = {}
    leftovers = []
    for child in children:
        is_handed_in = child.suffix.lower() in _HANDED_IN
        if child.is_symlink():
            loaders[child.name] = partial(Contents, problem=f"{shown(child.name)} {IS_LINK}")
        elif child.is_dir() and not child.name.startswith("."):
            loaders[child.name] = partial(_find_in_folder, child, lab)
        elif is_handed_in:
            loaders[child.name] = partial(_find_in_file, child, lab)
        else:
            leftovers.append(Refused(child.name, "is no notebook, no .zip and no folder of one"))
    return _named(loaders, leftovers)


def _find_in_folder(folder: Path, lab: Lab | None) -> Contents:
    return find(walk(folder)[0], lab=lab)


def _find_in_file(path: Path, lab: Lab | None) -> Contents:
    return find([_read_entry(path)], lab=lab)


def _read_entry(path: Path) -> Entry | Refused:
    return entry(path, path.name) or Refused(path.name, "is a folder")


def _of_slots(
    slots: Sequence[Slot],
    leftovers: Iterable[Refused],
    *,
    lab: Lab | None,
    secret: bytes | None,
) -> Submissions:
    ids = [f"moodle-{slot.name if slot.number is None else slot.number}" for slot in slots]
    if secret is not None and lab is not None:
        ids = pseudonyms(secret, lab.name, matches=match(slots, []))
    unique = _unique(ids)
    return Submissions(
        {key: partial(_of_slot, key, slot, lab) for key, slot in zip(unique, slots, strict=True)},
        leftovers,
    )


def _of_slot(key: str, slot: Slot, lab: Lab | None) -> Submission:
    contents = find(slot.files, online=slot.online, lab=lab)
    return _submission(key, contents, notes=slot.notes)


def _by_folder(items: Iterable[Entry | Refused], name: str) -> dict[str, list[Entry | Refused]]:
    """Return what a zip that is not Moodle's holds: one submission, or one a folder."""
    work = [item for item in items if not is_junk(item.path)]
    if not work or any("/" not in item.path for item in work):
        return {name: work}
    groups: dict[str, list[Entry | Refused]] = {}
    for item in work:
        groups.setdefault(item.path.partition("/")[0], []).append(item)
    return groups


def _of_items(groups: Mapping[str, list[Entry | Refused]], lab: Lab | None) -> Submissions:
    return _named({name: partial(find, items, lab=lab) for name, items in groups.items()}, ())


def _named(
    loaders: Mapping[str, Callable[[], Contents]], leftovers: Iterable[Refused]
) -> Submissions:
    ids = _unique([re.sub(r"\.(?:ipynb|zip)$", "", name, flags=re.I) for name in loaders])
    found = {
        key: partial(_load, key, load) for key, load in zip(ids, loaders.values(), strict=True)
    }
    return Submissions(found, leftovers)


def _load(key: str, load: Callable[[], Contents]) -> Submission:
    return _submission(key, load())


def _submission(key: str, contents: Contents, *, notes: tuple[str, ...] = ()) -> Submission:
    return Submission(
        key,
        contents.notebook,
        problem=contents.problem,
        notes=(*notes, *contents.notes),
        url=contents.url,
    )


def _unique(names: Sequence[str]) -> list[str]:
    """Return ids of safe characters, also unique where case makes no difference.

    Examples
    --------
    >>> _unique(["Ada L.", "ada/l.", "..", "Ada-L."])
    ['Ada-L', 'ada-l-2', 'submission', 'Ada-L-3']
    """
    ids: list[str] = []
    used: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:_MAX_ID_LENGTH].strip(".-")
        if not plain or name_problem(plain):
            plain = f"submission-{plain}".rstrip("-")
        found, count = plain, 1
        while found.casefold() in used:
            count += 1
            found = f"{plain}-{count}"
        used.add(found.casefold())
        ids.append(found)
    return ids
