"""What course.toml may say: what every mistake is answered with, and in which line."""

import re
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.errors import CourseFileError
from grading.rules import course_file
from grading.rules.course_file import LabPlan, open_course_file, read_course_file
from grading.rules.lateness import LateRule
from grading.rules.totals import Rounding

FULL = """\
# A course
title = "T"
time_zone = "Europe/Berlin"

[labs.toy]
weight = 10
deadline = 2026-12-12T23:59:00
exercises = [
  "9.1",
]
release = "2026"

[labs.other]
weight = 20.5
deadline = 2026-12-12T23:59:00Z

[parts]
project = 70

[late]
grace_minutes = 15
percent_per_day = 10
per_started_day = false
cap_percent = 50
last_day = 7
free_days = 3

[rounding]
points_digits = 1
grade_step = 0.5
direction = "up"
"""


def read(folder: Path, text: str) -> course_file.CourseFile:
    path = folder / "course.toml"
    path.write_text(text, encoding="utf-8")
    return read_course_file(open_course_file(path))


def test_everything_that_can_be_said(tmp_path):
    found = read(tmp_path, FULL)
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    assert found.zone == berlin
    assert found.plans["toy"] == LabPlan(
        10.0, datetime(2026, 12, 12, 23, 59, tzinfo=berlin), ("9.1",), "2026"
    )
    assert found.plans["toy"].deadline.utcoffset() == timedelta(hours=1)
    assert found.plans["other"].deadline == datetime(2026, 12, 12, 23, 59, tzinfo=UTC)
    assert found.plans["other"].deadline.tzinfo == berlin
    assert list(found.plans) == ["toy", "other"]
    assert found.parts == {"project": 70.0}
    assert found.late == LateRule(
        15, 10, per_started_day=False, cap_percent=50, last_day=7, free_days=3
    )
    assert found.rounding == Rounding(1, 0.5, "up")


def test_a_title_is_enough(tmp_path):
    found = read(tmp_path, "title = 'T'")
    assert (found.plans, found.parts, found.late) == ({}, {}, LateRule())
    assert (found.secret, found.extensions) == (".course/secret", "extensions.csv")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    assert read(tmp_path, "\ufefftitle = 'T'").title == "T"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('title = "T"', "titel = 1", 2, "unknown key titel; did you mean 'title'?"),
        ('title = "T"', "", 1, "title = None; allowed: a text"),
        ('"Europe/Berlin"', '"Europe/Berln"', 3, "is no time zone; did you mean 'Europe/Berlin'?"),
        ('"Europe/Berlin"', '"../etc"', 3, "time_zone = '../etc' is no time zone"),
        ('time_zone = "Europe/Berlin"', "", 7, "labs.toy.deadline needs a time zone: add a line"),
        ("weight = 10", "wieght = 10", 6, "unknown key labs.toy.wieght; did you mean 'weight'?"),
        ("weight = 10", "", 5, "labs.toy.weight = None; allowed: a number >= 0"),
        ("weight = 10", "weight = -1", 6, "labs.toy.weight = -1; allowed: a number >= 0"),
        ("weight = 10", "weight = true", 6, "labs.toy.weight = True"),
        ("weight = 10", "weight = inf", 6, "labs.toy.weight = inf"),
        ("weight = 10", "weight = '10'", 6, "labs.toy.weight = '10'"),
        (
            "= 2026-12-12T23:59:00\n",
            "= '12.12.2026'\n",
            7,
            "allowed: a date and time of this century",
        ),
        ("= 2026-12-12T23:59:00\n", "= 2026-12-12\n", 7, "labs.toy.deadline = 2026-12-12; allowed"),
        ("= 2026-12-12T23:59:00\n", "= 2027-03-28T02:30:00\n", 7, "the clocks skip this hour"),
        (
            "= 2026-12-12T23:59:00\n",
            "= 9999-12-31T23:59:00\n",
            7,
            "labs.toy.deadline = 9999-12-31T2",
        ),
        ('"9.1",', "9.1,", 8, "labs.toy.exercises = [9.1]; allowed: a list of ids"),
        ('"9.1",', "", 8, "labs.toy.exercises = []; allowed: a list of ids"),
        ('"9.1",', '"9.1", "9.1",', 8, "labs.toy.exercises names 9.1 twice"),
        ('"2026"', '"20 26"', 11, "labs.toy.release = '20 26'; allowed: a name of letters"),
        ("project = 70", "project = 'x'", 18, "parts.project = 'x'; allowed: a number >= 0"),
        ("project = 70", "toy = 70", 18, "parts.toy is also a lab"),
        ("[parts]\nproject = 70", "", 17, "parts = 3; allowed: a table"),
        (
            "grace_minutes",
            "grace_minute",
            21,
            "unknown key late.grace_minute; did you mean 'grace_minutes'?",
        ),
        ("cap_percent = 50", "cap_percent = 101", 24, "allowed: a number from 0 to 100"),
        ("percent_per_day = 10", "percent_per_day = -1", 22, "late.percent_per_day = -1"),
        ("per_started_day = false", "per_started_day = 0", 23, "allowed: true or false"),
        ("last_day = 7", "last_day = 'x'", 25, "late.last_day = 'x'; allowed: a number >= 0"),
        ("free_days = 3", "free_days = nan", 26, "late.free_days = nan"),
        ("points_digits = 1", "points_digits = 1.5", 29, "a whole number from 0 to 4"),
        ("grade_step = 0.5", "grade_step = 0", 30, "rounding.grade_step = 0; allowed"),
        ('"up"', '"upwards"', 31, "allowed: one of 'nearest', 'up', 'down'"),
        ("[rounding]", "[runding]", 28, "unknown key runding; did you mean 'rounding'?"),
    ],
)
def test_a_mistake_is_answered_with_its_line(tmp_path, old, new, line, message):
    assert FULL.count(old) >= 1
    text = FULL.replace(old, new, 1)
    if "parts = 3" in message:
        text = text.replace("\n[labs.toy]", "\nparts = 3\n[labs.toy]", 1)
        line = 5
    with pytest.raises(CourseFileError) as caught:
        read(tmp_path, text)
    said = str(caught.value)
    assert message in said
    assert re.search(rf"course\.toml, line {line}: ", said), said
    assert "\n" not in said


def test_what_is_no_toml_is_answered_with_the_parsers_place(tmp_path):
    with pytest.raises(CourseFileError, match=r"is no TOML: .*line 2"):
        read(tmp_path, "title = 'T'\nlate = = 1")
    (tmp_path / "course.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(CourseFileError, match="is no TOML"):
        open_course_file(tmp_path / "course.toml")


def test_a_python_without_time_zones_names_the_remedy(tmp_path, monkeypatch):
    def refuse(name):
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", refuse)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    with pytest.raises(CourseFileError, match=r"line 3: .* python -m pip install tzdata"):
        read(tmp_path, FULL)


def test_of_the_hour_that_comes_twice_a_deadline_takes_the_later(tmp_path):
    found = read(tmp_path, FULL.replace("2026-12-12T23:59:00\n", "2026-10-25T02:30:00\n"))
    assert found.plans["toy"].deadline.astimezone(UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


VALUES = ["1", "-0.5", "nan", "true", "'x'", "''", "[1]", "{a = 1}", "2026-01-01", "1e400", "[]"]


@given(st.sampled_from(re.findall(r"(?m)^\w+ = .*$", FULL)), st.sampled_from(VALUES))
def test_no_value_ends_in_a_traceback(tmp_path_factory, line, value):
    key = line.partition(" = ")[0]
    text = FULL.replace(line, f"{key} = {value}", 1).replace('\n  "9.1",\n]', "\n")
    path = tmp_path_factory.mktemp("x")
    try:
        found = read(path, text.replace("exercises = [\n", "", 1))
    except CourseFileError as err:
        said = str(err)
    else:
        said = f"line 1: read as {found.title}"
    assert re.search(r"line \d+", said)
