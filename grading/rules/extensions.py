"""Extensions: who may hand in a lab later, from the file ``extensions.csv`` beside course.toml.

One line each, for a spreadsheet or an editor; separators are commas, semicolons or tabs::

    submission,lab,new_deadline,extra_days,by,note
    4711,mcu_compression,2026-12-19 23:59,,A. Lecturer,ill
    anna@example.org,mcu_compression,,3,A. Lecturer,

``submission`` is what identifies a student: the pseudonym of the submission, Moodle's number (the
one in the name of the submission's folder), the e-mail address, or the ID number. A name is not
enough: two students may share it. An extension of one member is one of the team. Either a new
deadline is given, in the course's time zone, or a number of days on top of the lab's deadline.
``by`` says who granted it; ``note`` may be left out.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from grading.errors import ExtensionsError, WorksheetError
from grading.moodle.csv_cells import Row, read_header, read_rows
from grading.moodle.dates import read_date
from grading.moodle.worksheet import WorksheetRow
from grading.rules.lateness import localised
from labs.engine.catalog import did_you_mean

COLUMNS = ("submission", "lab", "new_deadline", "extra_days", "by")
_OPTIONAL = ("note",)
_MAX_DAYS = 366


@dataclass(frozen=True)
class Extension:
    """One line of the file.

    Parameters
    ----------
    submission
        What identifies the student.
    lab
        Name of the lab.
    new_deadline
        With time zone; None if `extra_days` says it.
    extra_days
        Days on top of the lab's deadline.
    by
        Who granted it.
    line
        Where it stands in the file.
    """

    submission: str
    lab: str
    new_deadline: datetime | None
    extra_days: float
    by: str
    line: int

    def deadline(self, usual: datetime) -> datetime:
        """Return the deadline that it gives in place of the usual one."""
        if self.new_deadline is not None:
            return self.new_deadline.astimezone(usual.tzinfo)
        return usual + timedelta(days=self.extra_days)  # the same hour on the wall clock


@dataclass(frozen=True)
class Matched:
    """Which extension belongs to which submission.

    Parameters
    ----------
    of
        Id of a submission -> its extensions.
    unmatched
        Those of this lab that belong to no submission: a typing error, or nothing handed in.
    """

    of: Mapping[str, tuple[Extension, ...]]
    unmatched: tuple[Extension, ...]

    def deadline(self, submission: str, usual: datetime | None) -> datetime | None:
        """Return when a submission is due: the latest of its deadlines."""
        if usual is None:
            return None
        own = [each.deadline(usual) for each in self.of.get(submission, ())]
        return max([usual, *own], key=lambda moment: moment.astimezone(UTC))


def read_extensions(path: Path, *, zone: tzinfo, labs: Collection[str]) -> tuple[Extension, ...]:
    """Return what a file says; nothing if it is not there.

    Parameters
    ----------
    path
        The file.
    zone
        The course's time zone.
    labs
        Names of the labs that exist.

    Raises
    ------
    ExtensionsError
        If it is not as documented; the message names file and line.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    try:
        rows = _rows(content)
        found = [_read(row, rows[0].texts, zone, labs) for row in rows[1:] if any(row.texts)]
        _refuse_two(found)
    except (ExtensionsError, WorksheetError) as err:
        raise ExtensionsError(f"{path}, {err}") from err
    return tuple(found)


def keys_of(submission: str, identity: Mapping[str, Any] | None) -> frozenset[str]:
    """Return everything that identifies the people of a submission in the file.

    Parameters
    ----------
    submission
        Id of the submission: its pseudonym.
    identity
        Its entry in the file of identities: ``number``, ``email`` and ``id_number``, the same of
        each of its ``members``, and their ``pseudonym``; None if there is none.
    """
    entries = [identity or {}, *((identity or {}).get("members") or ())]
    names = ("number", "email", "id_number", "pseudonym", "person")
    found = [str(entry[name]) for entry in entries for name in names if entry.get(name)]
    return frozenset(_key(each) for each in [submission, *found] if each.strip())


def match(
    extensions: Iterable[Extension], people: Mapping[str, Collection[str]], *, lab: str
) -> Matched:
    """Return which submissions of a lab have which extensions.

    Parameters
    ----------
    extensions
        From `read_extensions`.
    people
        Id of a submission -> what identifies its people, from `keys_of`.
    lab
        Name of the lab.

    Raises
    ------
    ExtensionsError
        If a line fits two submissions.
    """
    owners: dict[str, list[str]] = {}
    for submission, keys in people.items():
        for key in {_key(each) for each in keys}:
            owners.setdefault(key, []).append(submission)
    of: dict[str, tuple[Extension, ...]] = {}
    unmatched = []
    for each in extensions:
        if each.lab != lab:
            continue
        found = owners.get(_key(each.submission), [])
        if len(found) > 1:
            raise ExtensionsError(
                f"line {each.line} of the extensions: {each.submission!r} fits the submissions "
                f"{' and '.join(sorted(found))}; write the one that is meant"
            )
        if found:
            of[found[0]] = (*of.get(found[0], ()), each)
        else:
            unmatched.append(each)
    return Matched(of, tuple(unmatched))


def only_in_moodle(
    rows: Iterable[WorksheetRow],
    extensions: Iterable[Extension],
    *,
    lab: str,
    usual: datetime | None,
    pseudonyms: Mapping[int, Collection[str]] | None = None,
) -> list[str]:
    """Return a warning for every extension that Moodle granted and the file does not.

    Parameters
    ----------
    rows
        Rows of the worksheet.
    extensions
        From `read_extensions`.
    lab, usual
        Name of the lab and its deadline.
    pseudonyms
        Moodle's number -> further keys of that student, from `keys_of`.
    """
    own = [each for each in extensions if each.lab == lab]
    warnings = []
    for row in rows:
        if row.extension is None or usual is None:
            continue
        known = {str(row.number), row.email, row.id_number, *(pseudonyms or {}).get(row.number, ())}
        keys = {_key(each) for each in known if each}
        given = [each for each in own if _key(each.submission) in keys]
        until = _moodle_deadline(row.extension, usual)
        if not given:
            warnings.append(
                f"number {row.number}: Moodle granted an extension until {row.extension}, which "
                "the file of extensions does not name; without a line there it does not count"
            )
        elif until and max(each.deadline(usual) for each in given) < until:
            warnings.append(
                f"number {row.number}: Moodle's extension until {row.extension} is longer than "
                f"line {given[-1].line} of the extensions, which counts"
            )
    return warnings


def _moodle_deadline(text: str, usual: datetime) -> datetime | None:
    try:
        found = read_date(text)
    except ValueError:  # in another language: the text is quoted, not compared
        return None
    return localised(found, usual.tzinfo) if found and usual.tzinfo else None


def _rows(content: bytes) -> list[Row]:
    """Return the rows of the file, whichever separator it has."""
    for separator in (",", ";", "\t"):
        header = read_header(content, separator)
        if len(header.cells) > 1:
            break
    names = tuple(text.strip() for text in header.texts)
    for name in names:
        if name not in COLUMNS + _OPTIONAL:
            hint = did_you_mean(name, COLUMNS + _OPTIONAL)
            raise ExtensionsError(f"line 1: unknown column {name!r}{hint} ({', '.join(COLUMNS)})")
    if missing := [name for name in COLUMNS if names.count(name) != 1]:
        raise ExtensionsError(f"line 1: the column {missing[0]} must be there once")
    return read_rows(content, separator)


def _read(row: Row, header: tuple[str, ...], zone: tzinfo, labs: Collection[str]) -> Extension:
    if len(row.cells) != len(header):
        raise ExtensionsError(
            f"line {row.line}: {len(row.cells)} cells, the header has {len(header)}"
        )
    names = (name.strip() for name in header)
    cells = {name: text.strip() for name, text in zip(names, row.texts, strict=True)}
    for name in ("submission", "lab", "by"):
        if not cells[name]:
            raise ExtensionsError(f"line {row.line}: {name} is empty; it must be given")
    if cells["lab"] not in labs:
        hint = f"{did_you_mean(cells['lab'], labs)} ({', '.join(labs)})"
        raise ExtensionsError(f"line {row.line}: no lab {cells['lab']!r}{hint}")
    if bool(cells["new_deadline"]) == bool(cells["extra_days"]):
        raise ExtensionsError(
            f"line {row.line}: give either new_deadline, such as 2026-12-19 23:59, or extra_days"
        )
    return Extension(
        submission=cells["submission"],
        lab=cells["lab"],
        new_deadline=_deadline(cells["new_deadline"], row.line, zone),
        extra_days=_days(cells["extra_days"], row.line),
        by=cells["by"],
        line=row.line,
    )


def _deadline(text: str, line: int, zone: tzinfo) -> datetime | None:
    if not text:
        return None
    try:
        given = _moment(text)
    except ValueError:
        given = None
    if given is None or not 2000 <= given.year <= 2100:
        raise ExtensionsError(
            f"line {line}: new_deadline {text!r} is no date and time; write 2026-12-19 23:59"
        )
    if ":" not in text:
        raise ExtensionsError(f"line {line}: {text!r} has no time; write {text} 23:59")
    return given if given.tzinfo else localised(given, zone, is_later=True)


def _moment(text: str) -> datetime | None:
    """Return a date and time, as ISO 8601 or as Moodle writes it."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return read_date(text)


def _days(text: str, line: int) -> float:
    try:
        days = float(text.replace(",", ".") or 0)
    except ValueError:
        days = -1.0
    if not 0 < days <= _MAX_DAYS and text:
        raise ExtensionsError(
            f"line {line}: extra_days {text!r}; allowed: a number above 0, up to {_MAX_DAYS}"
        )
    return days


def _refuse_two(extensions: Iterable[Extension]) -> None:
    """Refuse two lines for one student and lab: which one counts would be a guess."""
    seen: dict[tuple[str, str], int] = {}
    for each in extensions:
        key = (_key(each.submission), each.lab)
        if key in seen:
            raise ExtensionsError(
                f"line {each.line}: {each.submission!r} and {each.lab} stand in line {seen[key]} "
                "already; keep one"
            )
        seen[key] = each.line


def _key(text: str) -> str:
    return text.strip().casefold()
