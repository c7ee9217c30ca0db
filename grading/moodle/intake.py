"""Collects Moodle's download into a folder that grading reads, with pseudonyms instead of names.

The same download gives the same bytes again; a newer one updates what it holds and leaves the
rest. Lateness is not judged here: the times and Moodle's words go into ``collection.json``.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path

from grading.errors import ArchiveError
from grading.moodle.archives import DOWNLOAD, Archive, Refused
from grading.moodle.collection import (
    NOTEBOOK,
    ONLINE,
    SUBMISSIONS,
    URL,
    WORKSHEET,
    Collection,
    Record,
    is_collection,
    read_collection,
    write_collection,
)
from grading.moodle.contents import Contents, find
from grading.moodle.downloads import Slot, sort
from grading.moodle.identities import (
    IDENTITIES,
    Identity,
    Match,
    Row,
    identify,
    match,
    pseudonyms,
    read_identities,
    write_identities,
)
from grading.private_files import make_private_folder, write_private
from grading.submissions import MISSING
from labs.engine.catalog import Lab
from labs.engine.errors import UsageError

_DRAFT = re.compile(r"draft|entwurf|brouillon|borrador|bozza", re.IGNORECASE)
_IS_DRAFT = "is a draft that was not handed in, says Moodle's worksheet"
_NOT_IN_WORKSHEET = "is not in the worksheet: lateness is unknown, and no grade goes back by itself"
_NOT_IN_DOWNLOAD = "has a date of submission in the worksheet; is the download of everybody?"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Sheet:
    """Moodle's worksheet.

    Parameters
    ----------
    content
        The file, byte for byte.
    rows
        What it says.
    zone
        The time zone of its times.
    """

    content: bytes
    rows: Sequence[Row]
    zone: tzinfo


@dataclass(frozen=True)
class Intake:
    """What came of a collection.

    Parameters
    ----------
    collection
        Everything that the folder holds now.
    leftovers
        Entries of the download that belong to nobody, each with its reason.
    kept
        Pseudonyms of what an earlier download had newer, or had alone.
    """

    collection: Collection
    leftovers: tuple[Refused, ...]
    kept: tuple[str, ...]


def collect(
    lab: Lab, download: Path, *, output: Path, secret: bytes, sheet: Sheet | None = None
) -> Intake:
    """Collect Moodle's download into a folder.

    Parameters
    ----------
    lab
        The lab it is for.
    download
        The zip of "Download all submissions".
    output
        A folder that is not there yet, is empty, or was collected before.
    secret
        The course's secret, for the pseudonyms.
    sheet
        The worksheet; without one nobody is missing, and lateness is unknown.

    Raises
    ------
    UsageError
        If the download is no zip of Moodle's, or the folder is something else.
    """
    earlier = _read_earlier(output, lab)
    try:
        archive = Archive(download, caps=DOWNLOAD, is_unique=False)
    except ArchiveError as err:
        raise UsageError(f"{download} {err}; download it again") from err
    try:
        found = sort(archive.entries, archive.folders)
        if not found.slots:
            raise UsageError(
                f"{download} has no entry such as NAME_123_assignsubmission_file/...; "
                "give the zip of Moodle's 'Download all submissions'"
            )
        new = _Collecting(lab, output, secret=secret, sheet=sheet)
        digest = _sha256(download)
        _begin(output, Collection(lab.name, digest, False, earlier.records))
        new.take(match(found.slots, sheet.rows if sheet else ()), earlier)
    finally:
        archive.close()
    if sheet is not None:
        write_private(output / WORKSHEET, sheet.content)
    write_identities(output / IDENTITIES, new.identities.values(), leftovers=found.leftovers)
    collection = Collection(lab.name, digest, True, new.records)
    write_collection(output, collection)
    return Intake(collection, found.leftovers, tuple(sorted(new.kept)))


@dataclass(frozen=True)
class _Earlier:
    """What the folder holds from an earlier collection."""

    records: Mapping[str, Record]
    identities: Mapping[str, Identity]

    def identity(self, key: str) -> Identity:
        """Return who is behind a pseudonym; nobody known if the earlier collection was stopped."""
        return self.identities.get(key) or Identity(key, "", None, "", False, ())


class _Collecting:
    """One collection under way: what has been written, and what is kept from before."""

    def __init__(self, lab: Lab, output: Path, *, secret: bytes, sheet: Sheet | None) -> None:
        self._lab, self._output, self._secret, self._sheet = lab, output, secret, sheet
        self.records: dict[str, Record] = {}
        self.identities: dict[str, Identity] = {}
        self.kept: list[str] = []

    def take(self, matches: list[Match], earlier: _Earlier) -> None:
        """Write every hand-in, and keep what only the earlier download has."""
        ids = pseudonyms(self._secret, self._lab.name, matches=matches)
        present = {key for key, each in zip(ids, matches, strict=True) if each.slot}
        for key, record in earlier.records.items():
            if key not in present and not (record.is_missing and self._sheet):
                self.records[key] = record
                self.identities[key] = earlier.identity(key)
                self.kept += [] if record.is_missing else [key]
        known = {member.number for each in self.identities.values() for member in each.members}
        for key, each in zip(ids, matches, strict=True):
            if each.slot:
                self._take_slot(key, each, old=earlier.records.get(key))
            elif key not in self.records and each.rows[0].number not in known:
                notes = (_NOT_IN_DOWNLOAD,) if each.rows[0].submitted else ()
                self._add(Record(key, problem=MISSING, notes=notes, is_missing=True), each)

    def _take_slot(self, key: str, each: Match, *, old: Record | None) -> None:
        slot = each.slot or Slot("", None, "")
        if old and slot.modified < old.modified:
            self.kept.append(key)
            self._add(old, each)
            return
        contents = find(slot.files, online=slot.online, lab=self._lab)
        _write_files(self._output / SUBMISSIONS / key, contents)
        is_unknown = self._sheet is not None and not each.rows
        record = Record(
            key,
            path=contents.path,
            problem=contents.problem,
            notes=(*slot.notes, *contents.notes, *((_NOT_IN_WORKSHEET,) if is_unknown else ())),
            url=contents.url,
            modified=slot.modified,
        )
        self._add(record, each)

    def _add(self, record: Record, each: Match) -> None:
        """Add a record with what the worksheet says, and who it is of."""
        identity = identify(self._secret, record.id, of=each)
        self.identities[record.id] = identity
        if self._sheet is not None and each.rows:
            times = [row.submitted for row in each.rows if row.submitted]
            status = " | ".join(dict.fromkeys(row.status for row in each.rows if row.status))
            drafts = [_IS_DRAFT] if each.slot and _DRAFT.search(status) else []
            people = {member.person for member in identity.members}
            record = replace(
                record,
                submitted=max(times).replace(tzinfo=self._sheet.zone) if times else None,
                status=status,
                has_extension=any(row.extension is not None for row in each.rows),
                notes=tuple(dict.fromkeys([*record.notes, *drafts])),
                person=tuple(sorted(people - {""})),
            )
        self.records[record.id] = record


def _read_earlier(output: Path, lab: Lab) -> _Earlier:
    """Return what a folder holds from an earlier collection, or refuse the folder."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return _Earlier({}, {})
    if not (output.is_dir() and is_collection(output)):
        raise UsageError(f"{output} is there and was not made by course collect; give a new folder")
    collection = read_collection(output)
    if collection.lab != lab.name:
        raise UsageError(
            f"{output} holds the submissions of {collection.lab}, not of {lab.name}; "
            "give a new folder"
        )
    path = output / IDENTITIES
    return _Earlier(collection.records, read_identities(path) if path.exists() else {})


def _begin(output: Path, collection: Collection) -> None:
    """Mark the folder as a collection under way, so that a stopped one can be taken up again."""
    make_private_folder(output)
    make_private_folder(output / SUBMISSIONS)
    write_collection(output, collection)


def _write_files(folder: Path, contents: Contents) -> None:
    files: dict[str, bytes | None] = {
        NOTEBOOK: contents.notebook,
        URL: contents.url.encode() + b"\n" if contents.url else None,
        ONLINE: contents.text.encode("utf-8", "replace") + b"\n" if contents.text else None,
    }
    make_private_folder(folder)
    for name, content in files.items():
        if content is None:
            (folder / name).unlink(missing_ok=True)
        else:
            write_private(folder / name, content)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while part := stream.read(_CHUNK_BYTES):
            digest.update(part)
    return digest.hexdigest()
