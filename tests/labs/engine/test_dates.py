"""Deadlines of a handout."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from grading.course import read_course
from grading.handout.files import course_dates
from labs.engine import cli, dates
from labs.engine.errors import LabFormatError

ROOT = Path(__file__).parents[3]


def test_what_a_release_writes_is_read(tmp_path: Path) -> None:
    course = read_course(ROOT)
    (tmp_path / dates.DATES_FILE).write_text(course_dates(course, course.labs), encoding="utf-8")
    want = {lab.name: course.deadline(lab) for lab in course.labs}
    assert dates.deadlines(tmp_path) == {name: when for name, when in want.items() if when}


def test_without_the_file_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert dates.deadlines(tmp_path) == {}


@pytest.mark.parametrize(
    "text",
    ["labs = 3", "[labs", '[labs.toy]\ndeadline = "soon"', "[labs.toy]\ndeadline = 2026-01-01"],
)
def test_a_changed_file_gets_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / dates.DATES_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(LabFormatError, match="course_dates"):
        dates.deadlines(tmp_path)


def test_the_list_of_labs_says_when_they_are_due(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    when = datetime(2026, 11, 30, 23, 59, tzinfo=timezone(timedelta(hours=1)))
    monkeypatch.setattr(dates, "deadlines", lambda: {"quickstart": when})
    assert cli.main(["list"]) == 0
    assert "10 points, due 2026-11-30 23:59 UTC+01:00" in capsys.readouterr().out
