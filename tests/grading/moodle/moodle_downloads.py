"""Makes what Moodle gives an instructor: the zip of everything handed in, and the worksheet.

`Desk` collects it into a folder, as an instructor does.

The forms are those of Moodle's ``mod/assign/classes/downloader.php`` and ``gradingtable.php``.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from grading.moodle.identities import read_identities
from grading.moodle.intake import Intake, Sheet, collect
from grading.submissions import Submission, read_submissions
from labs.engine.catalog import Lab

SECRET, BERLIN = b"s" * 32, ZoneInfo("Europe/Berlin")

NOON = datetime(2026, 5, 4, 12, 0, 0)
BLIND = {"en": "Participant", "de": "Teilnehmerin"}  # the / of "Teilnehmer/in" is dropped
DEFAULT_TEAM = {"en": "Default group", "de": "Standardgruppe"}
HEADERS = {
    "en": (
        "Identifier,Full name,Email address,Status,Group,Grade,Maximum Grade,"
        "Grade can be changed,Last modified (submission),Last modified (grade),Feedback comments"
    ),
    "de": (
        "ID,Vollständiger Name,E-Mail-Adresse,Status,Gruppe,Bewertung,Bestwertung,"
        "Bewertung kann geändert werden,Zuletzt geändert (Abgabe),Zuletzt geändert (Bewertung),"
        "Feedback als Kommentar"
    ),
}
WORDS = {
    "en": ("Participant ", "Submitted for grading", "No submission", "Extension granted until: ",
           "10.00", "Yes", "%A, %d %B %Y, %I:%M %p"),
    "de": ("Teilnehmer/in", "Zur Bewertung abgegeben", "Keine Abgabe", "Verlängerung bis: ",
           "10,00", "Ja", "%d.%m.%Y, %H:%M"),
}  # fmt: skip


def notebook(text: str = "x = 1", *, lab: str = "toy") -> bytes:
    """A small notebook whose one cell holds a text."""
    cell = {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {}, "outputs": []}
    content = {
        "cells": [{**cell, "source": text}],
        "metadata": {"course": {"lab": lab, "notebook": "student"}} if lab else {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content).encode()


def zipped(
    files: Mapping[str, bytes] | Sequence[tuple[str, bytes]],
    *,
    when: datetime = NOON,
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A zip of files; one whose name ends in a slash is a folder."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            info = zipfile.ZipInfo(name, when.timetuple()[:6])
            info.external_attr = (0o40755 if name.endswith("/") else 0o100644) << 16
            archive.writestr(info, content, compress_type=method)
    return stream.getvalue()


@dataclass
class HandIn:
    """What one person or team handed in; `number` is None for the team of those without a group."""

    name: str
    number: int | None
    files: Mapping[str, bytes] = field(default_factory=dict)
    online: str | None = None
    when: datetime = NOON


def entries(hand_in: HandIn, *, is_flat: bool = False, has_underscore: bool = False) -> list[str]:
    """The start of the names of its entries: for files, and for the online text."""
    number = "" if hand_in.number is None else f"_{hand_in.number}"
    start = f"{hand_in.name.replace('_', ' ').replace('/', '')}{number}_assignsubmission_"
    end = "_" if is_flat else "_/" if has_underscore else "/"
    return [f"{start}{plugin}{end}" for plugin in ("file", "onlinetext")]


def download(
    hand_ins: Iterable[HandIn],
    *,
    is_flat: bool = False,
    has_underscore: bool = False,
    more: Sequence[tuple[str, bytes]] = (),
    around: str = "",
) -> bytes:
    """Moodle's zip, in any of its forms, with more entries and a folder around it if wanted."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for hand_in in hand_ins:
            files, online = entries(hand_in, is_flat=is_flat, has_underscore=has_underscore)
            date = hand_in.when.timetuple()[:6]
            for path, content in hand_in.files.items():
                name = path.rpartition("/")[2] if is_flat else path
                archive.writestr(zipfile.ZipInfo(f"{around}{files}{name}", date), content)
            if hand_in.online is not None:
                info = zipfile.ZipInfo(f"{around}{online}onlinetext.html", date)
                archive.writestr(info, hand_in.online)
        for name, content in more:
            archive.writestr(zipfile.ZipInfo(name, NOON.timetuple()[:6]), content)
    return stream.getvalue()


@dataclass
class Row:
    """A row of the worksheet, with the names that `grading.moodle.worksheet` gives its cells."""

    number: int
    name: str = ""
    status: str = "Submitted for grading"
    group: str = ""
    email: str = ""
    id_number: str = ""
    submitted: datetime | None = NOON
    fields: Mapping[str, str] = field(default_factory=dict)
    extension: str | None = None


def worksheet(rows: Iterable[Row], *, language: str = "en", has_teams: bool = False) -> bytes:
    """Moodle's grading worksheet, with the mark at its start that Moodle writes."""
    identifier, submitted, nothing, extension, maximum, yes, date = WORDS[language]
    lines = []
    for row in rows:
        status = submitted if row.submitted else nothing
        if row.extension:
            status += f" - {extension}{row.extension}"
        when = row.submitted.strftime(date) if row.submitted else "-"
        cells = [f"{identifier}{row.number}", row.name, row.email, status, row.group, ""]
        lines.append([*cells, maximum, yes, when, "-", ""])
    table = [HEADERS[language].split(","), *lines]
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(
        [cell for place, cell in enumerate(line) if has_teams or place != 4] for line in table
    )
    return stream.getvalue().encode("utf-8-sig")


def cohort(count: int, *, lab: str = "toy") -> tuple[list[HandIn], list[Row]]:
    """A cohort of people with one notebook each, and their rows."""
    hand_ins, rows = [], []
    for place in range(count):
        name, number = f"Person {place} Müller", 5000 + place
        when = NOON + timedelta(minutes=place)
        files = {f"{lab}.ipynb": notebook(f"x = {place}", lab=lab)}
        hand_ins.append(HandIn(name, number, files, when=when))
        rows.append(Row(number, name, email=f"p{place}@example.org", submitted=when))
    return hand_ins, rows


def joined(downloads: Iterable[bytes]) -> bytes:
    """One zip with the entries of several."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for content in downloads:
            with zipfile.ZipFile(io.BytesIO(content)) as each:
                for info in each.infolist():
                    archive.writestr(info, each.read(info))
    return stream.getvalue()


class Desk:
    """An instructor's desk: puts downloads down and collects them."""

    def __init__(self, lab: Lab, place: Path) -> None:
        self.lab, self.place = lab, place
        self.output = place / "collected"

    def collect(self, content: bytes, rows: Sequence[Row] | None = None) -> Intake:
        path = self.place / "download.zip"
        path.write_bytes(content)
        sheet = None if rows is None else Sheet(worksheet(rows), rows, BERLIN)
        return collect(self.lab, path, output=self.output, secret=SECRET, sheet=sheet)

    def tree(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.output).as_posix(): path.read_bytes()
            for path in sorted(self.output.rglob("*"))
            if path.is_file()
        }

    def people(self) -> dict[str, str]:
        """Name -> pseudonym."""
        found = read_identities(self.output / "identities.json")
        return {each.name: key for key, each in found.items()}

    def submission(self, name: str) -> Submission:
        return read_submissions(self.output).load(self.people()[name])
