"""The folder that ``course collect`` writes and ``course grade`` reads: where what is in it.

::

    collection.json             what is known of each submission, under its pseudonym
    identities.json             who is behind the pseudonyms (`grading.moodle.identities`)
    worksheet.csv               Moodle's worksheet, byte for byte
    submissions/PSEUDONYM/      notebook.ipynb, url.txt, online.txt: those that there are

Names of people are in the second and third file only. Nothing is collected here.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from grading.private_files import write_private
from labs.engine.errors import UsageError

COLLECTION = "collection.json"
WORKSHEET = "worksheet.csv"
SUBMISSIONS = "submissions"
NOTEBOOK, URL, ONLINE = "notebook.ipynb", "url.txt", "online.txt"
_FORMAT = 1


@dataclass(frozen=True)
class Record:
    """What is known of one submission, names of people aside.

    Parameters
    ----------
    id
        The pseudonym.
    path
        Where the notebook lay in what was handed in; empty if there is none.
    problem
        Why it was refused; empty if it was not.
    notes
        What a person should know.
    url
        Link to Colab; empty if there is none.
    submitted
        When it was handed in, by the worksheet, with time zone; None if unknown.
    status
        Moodle's words about the hand-in, by the worksheet.
    has_extension
        Whether these words say that more time was given.
    person
        Pseudonyms of the people over the term.
    is_missing
        Whether the worksheet has the person and the download nothing.
    modified
        Date of the newest file in the download.
    """

    id: str
    path: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()
    url: str = ""
    submitted: datetime | None = None
    status: str = ""
    has_extension: bool = False
    person: tuple[str, ...] = ()
    is_missing: bool = False
    modified: tuple[int, ...] = ()


@dataclass(frozen=True)
class Collection:
    """What ``collection.json`` says.

    Parameters
    ----------
    lab
        Name of the lab.
    sha256
        Of the download that was collected last.
    is_complete
        False from the start of a collection to its end.
    records
        By pseudonym.
    """

    lab: str
    sha256: str
    is_complete: bool
    records: Mapping[str, Record]


def is_collection(folder: Path) -> bool:
    """Return whether a folder was made by ``course collect``."""
    return (folder / COLLECTION).is_file()


def write_collection(folder: Path, collection: Collection) -> None:
    """Write ``collection.json``."""
    content = {
        "format": _FORMAT,
        "lab": collection.lab,
        "sha256": collection.sha256,
        "is_complete": collection.is_complete,
        "submissions": {
            key: _fields(collection.records[key]) for key in sorted(collection.records)
        },
    }
    write_private(folder / COLLECTION, json.dumps(content, indent=1).encode() + b"\n")


def read_collection(folder: Path) -> Collection:
    """Return what ``collection.json`` says.

    Raises
    ------
    UsageError
        If it is not as `write_collection` leaves it.
    """
    path = folder / COLLECTION
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise UsageError(f"{path} has format {content['format']!r}; known: {_FORMAT}")
        records = {key: _record(key, fields) for key, fields in content["submissions"].items()}
        return Collection(content["lab"], content["sha256"], content["is_complete"], records)
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise UsageError(f"{path} is damaged ({err!r}); collect into a new folder") from err


def _fields(record: Record) -> dict[str, Any]:
    fields = dataclasses.asdict(record)
    del fields["id"]
    fields["submitted"] = record.submitted.isoformat() if record.submitted else None
    return fields


def _record(key: str, fields: Mapping[str, Any]) -> Record:
    if not re.fullmatch(r"\w[\w.-]*", key, re.ASCII):  # it becomes the name of a folder
        raise ValueError(key)
    given = fields["submitted"]
    return Record(
        **{
            **fields,
            "id": key,
            "submitted": None if given is None else datetime.fromisoformat(given),
            **{name: tuple(fields[name]) for name in ("notes", "person", "modified")},
        }
    )
