"""What ``course.toml`` may say, read and checked; every message names the line.

Which labs exist, and where files lie, is asked in `grading.course`.
"""

import math
import re
import tomllib
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from grading.errors import CourseFileError
from grading.rules.lateness import LateRule, does_exist, localised
from grading.rules.toml_lines import line_of
from grading.rules.totals import DIRECTIONS, Rounding
from labs.engine.catalog import did_you_mean

RELEASE = "1"  # the name of a lab's release where course.toml gives none


@dataclass(frozen=True)
class LabPlan:
    """One table ``[labs.NAME]``.

    Parameters
    ----------
    weight
        Share of the course's total, relative to the other labs and parts; >= 0.
    deadline
        When it is due, in the course's time zone; None: never.
    exercises
        Ids of the exercises that count; empty: all.
    release
        Name of its release: the secret seeds of the hidden checks hang on it.
    """

    weight: float
    deadline: datetime | None = None
    exercises: tuple[str, ...] = ()
    release: str = RELEASE


@dataclass(frozen=True)
class CourseFile:
    """Everything that a ``course.toml`` says.

    Parameters
    ----------
    title
        Title of the course.
    answers, secret, extensions
        Paths as written, relative to the file or absolute.
    zone
        The course's time zone.
    plans
        Name of a lab -> its table, in the order of the file.
    parts
        Name of what is no lab, such as a project -> its weight.
    late, rounding
        The tables of these names.
    """

    title: str
    answers: str
    secret: str
    extensions: str
    zone: tzinfo
    plans: Mapping[str, LabPlan]
    parts: Mapping[str, float]
    late: LateRule = field(default_factory=LateRule)
    rounding: Rounding = field(default_factory=Rounding)


@dataclass(frozen=True)
class _Key:
    """What one key may hold, and the words that say so; a key that must be there has no default."""

    allowed: str
    accepts: Callable[[Any], bool]
    default: Any = None
    is_needed: bool = False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(low: float, high: float = math.inf, **default: Any) -> _Key:
    words = f"a number >= {low:g}" if high == math.inf else f"a number from {low:g} to {high:g}"
    return _Key(words, lambda value: _is_number(value) and low <= value <= high, **default)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\n" not in value


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


_TABLE = _Key("a table", _is_table, {})
_KEYS = {
    "title": _Key("a text", _is_text, is_needed=True),
    "answers": _Key("the path of a folder", _is_text, "grading/answers"),
    "secret": _Key("the path of a file", _is_text, ".course/secret"),
    "extensions": _Key("the path of a file", _is_text, "extensions.csv"),
    "time_zone": _Key("the name of a time zone, such as 'Europe/Berlin'", _is_text),
    "labs": _Key("one table [labs.NAME] a lab", _is_table, {}),
    "parts": _TABLE,
    "late": _TABLE,
    "rounding": _TABLE,
}
_LAB_KEYS = {
    "weight": _number(0, is_needed=True),
    "deadline": _Key(
        "a date and time of this century without quotes, such as 2026-11-21T23:59:00",
        lambda value: isinstance(value, datetime) and 2000 <= value.year <= 2100,
    ),
    "exercises": _Key('a list of ids, such as ["1.1", "1.2"]; leave it out for all', _is_ids, ()),
    "release": _Key(
        "a name of letters, digits, '.', '_' and '-', such as '2026'",
        lambda value: isinstance(value, str) and bool(re.fullmatch(r"[\w.-]{1,40}", value)),
        RELEASE,
    ),
}
_LATE_KEYS = {
    "grace_minutes": _number(0, default=0),
    "percent_per_day": _number(0, 100, default=0),
    "per_started_day": _Key("true or false", lambda value: isinstance(value, bool), default=True),
    "cap_percent": _number(0, 100, default=100),
    "last_day": _number(0),
    "free_days": _number(0, default=0),
}
_ROUNDING_KEYS = {
    "points_digits": _Key(
        "a whole number from 0 to 4",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 4,
        2,
    ),
    "grade_step": _Key(
        "a number above 0, up to 100", lambda value: _is_number(value) and 0 < value <= 100, 0.1
    ),
    "direction": _Key(
        f"one of {', '.join(map(repr, DIRECTIONS))}", lambda value: value in DIRECTIONS, "nearest"
    ),
}


@dataclass(frozen=True)
class Reader:
    """The text of a ``course.toml`` and what it holds, for messages that name the line.

    Parameters
    ----------
    path
        The file, as messages name it.
    text
        Its content.
    table
        The same, parsed.
    """

    path: Path
    text: str
    table: Mapping[str, Any]

    def refuse(self, *keys: str, message: str) -> CourseFileError:
        """Return the error about a key.

        Parameters
        ----------
        *keys
            The key after those of the tables around it.
        message
            What is wrong with it.
        """
        return CourseFileError(f"{self.path}, line {line_of(self.text, keys)}: {message}")

    def checked(self, *tables: str, keys: Mapping[str, _Key]) -> dict[str, Any]:
        """Return the values of a table with defaults filled in.

        Parameters
        ----------
        *tables
            Names of the table and of those around it; none for the file itself.
        keys
            What it may hold.

        Raises
        ------
        CourseFileError
            If a key is unknown, missing or holds what it may not.
        """
        table: Any = self.table
        for name in tables:
            table = table.get(name, {})
        if not isinstance(table, dict):
            name = ".".join(tables)
            raise self.refuse(*tables, message=f"{name} = {table!r}; allowed: a table")
        for key in table:
            if key not in keys:
                name = ".".join((*tables, key))
                hint = f"{did_you_mean(key, keys)} (known: {', '.join(keys)})"
                raise self.refuse(*tables, key, message=f"unknown key {name}{hint}")
        for key, rule in keys.items():
            if (key in table or rule.is_needed) and not rule.accepts(table.get(key)):
                name = ".".join((*tables, key))
                value: Any = table.get(key)
                shown = value.isoformat() if hasattr(value, "isoformat") else repr(value)
                message = f"{name} = {shown}; allowed: {rule.allowed}"
                raise self.refuse(*tables, key, message=message)
        return {key: table.get(key, rule.default) for key, rule in keys.items()}


def open_course_file(path: Path) -> Reader:
    """Return the file, parsed and not yet judged.

    Raises
    ------
    CourseFileError
        If it is missing, or no TOML; the parser's message names line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return Reader(path, text, tomllib.loads(text))
    except FileNotFoundError as err:
        raise CourseFileError(f"{path} is missing; the root of a course holds one") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise CourseFileError(f"{path} is no TOML: {err}") from err


def read_course_file(reader: Reader) -> CourseFile:
    """Return what a file says.

    Raises
    ------
    CourseFileError
        If a key in it is unknown, missing or holds what it may not; the message names the line.
    """
    fields = reader.checked(keys=_KEYS)
    zone = _read_zone(reader, fields.pop("time_zone"))
    plans = {name: _read_plan(reader, name, zone) for name in fields.pop("labs")}
    return CourseFile(
        title=fields["title"],
        answers=fields["answers"],
        secret=fields["secret"],
        extensions=fields["extensions"],
        zone=zone or UTC,
        plans=plans,
        parts=_read_parts(reader, plans),
        late=LateRule(**reader.checked("late", keys=_LATE_KEYS)),
        rounding=Rounding(**reader.checked("rounding", keys=_ROUNDING_KEYS)),
    )


def _read_plan(reader: Reader, name: str, zone: tzinfo | None) -> LabPlan:
    fields = reader.checked("labs", name, keys=_LAB_KEYS)
    exercises = tuple(fields["exercises"])
    if twice := sorted({each for each in exercises if exercises.count(each) > 1}):
        message = f"labs.{name}.exercises names {', '.join(twice)} twice; keep one"
        raise reader.refuse("labs", name, "exercises", message=message)
    deadline = _read_deadline(reader, name, zone)
    return LabPlan(float(fields["weight"]), deadline, exercises, fields["release"])


def _read_deadline(reader: Reader, name: str, zone: tzinfo | None) -> datetime | None:
    """Return the deadline of a lab in the course's time zone."""
    given: datetime | None = reader.table["labs"][name].get("deadline")
    place = ("labs", name, "deadline")
    if given is None:
        return None
    if zone is None:
        message = (
            f"labs.{name}.deadline needs a time zone: add a line such as "
            "time_zone = 'Europe/Berlin' at the top of the file"
        )
        raise reader.refuse(*place, message=message)
    if given.tzinfo is not None:
        return given.astimezone(zone)
    deadline = localised(given, zone, is_later=True)
    if not does_exist(deadline):
        message = f"labs.{name}.deadline = {given.isoformat()} does not exist in {zone}: "
        raise reader.refuse(*place, message=f"{message}the clocks skip this hour; choose another")
    return deadline


def _read_parts(reader: Reader, plans: Mapping[str, LabPlan]) -> dict[str, float]:
    names = reader.table.get("parts", {})
    parts = reader.checked("parts", keys={name: _number(0, is_needed=True) for name in names})
    for name in parts:
        if name in plans:
            message = f"parts.{name} is also a lab; a part is what is no lab, such as a project"
            raise reader.refuse("parts", name, message=message)
    return {name: float(weight) for name, weight in parts.items()}


def _read_zone(reader: Reader, name: str | None) -> tzinfo | None:
    if name is None:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as err:
        known = zoneinfo.available_timezones()
        if known:
            remedy = f"is no time zone{did_you_mean(name, sorted(known))}"
        else:  # Windows has none of its own
            remedy = "is not known, as this Python has no time zones; python -m pip install tzdata"
        raise reader.refuse("time_zone", message=f"time_zone = {name!r} {remedy}") from err
