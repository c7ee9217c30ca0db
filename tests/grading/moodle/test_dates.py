"""Dates as Moodle writes them, and those that could be two dates."""

import contextlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.moodle.dates import read_date, read_extension

WHEN = datetime(2026, 11, 21, 23, 59)
ENGLISH = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
GERMAN = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]
MONTHS = """\
January February March April May June July August September October November December
Januar Februar März April Mai Juni Juli August September Oktober November Dezember
"""
MONTHS_EN, MONTHS_DE = (line.split() for line in MONTHS.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        "Saturday, 21 November 2026, 11:59 PM",
        "Saturday, 21 November 2026, 11:59\u202fPM",
        "Saturday, November 21, 2026, 11:59 PM",
        "21 November 2026, 11:59 pm",
        "Sat, 21 Nov 2026, 23:59",
        "Samstag, 21. November 2026, 23:59",
        "Sa., 21. Nov. 2026, 23:59",
        "21. November 2026 um 23:59 Uhr",
        "21.11.2026, 23:59",
        "2026-11-21 23:59",
    ],
)
def test_forms_that_are_known(text):
    assert read_date(text) == WHEN


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_every_moment_of_a_century_comes_back(moment):
    moment = moment.replace(second=0, microsecond=0)
    half = "AM" if moment.hour < 12 else "PM"
    english = (
        f"{ENGLISH[moment.weekday()]}, {moment.day} {MONTHS_EN[moment.month - 1]} {moment.year}, "
        f"{(moment.hour - 1) % 12 + 1}:{moment.minute:02} {half}"
    )
    german = (
        f"{GERMAN[moment.weekday()]}, {moment.day}. {MONTHS_DE[moment.month - 1]} {moment.year}, "
        f"{moment.hour:02}:{moment.minute:02}"
    )
    assert read_date(english) == read_date(german) == moment


@pytest.mark.parametrize("text", ["", "-", "  "])
def test_nothing_handed_in(text):
    assert read_date(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("11/12/2026, 23:59", "is no date that can be read for sure"),
        ("samedi 21 novembre 2026, 23:59 h", "is no date"),
        ("21 brumaire 2026, 23:59", "names no month in English or German"),
        ("31 November 2026, 23:59", "is no date"),
        ("21 November 2026, 24:59", "is no date"),
        ("21 November 2026, 13:00 PM", "has no such hour"),
        ("21 November 2026, 0:30 AM", "has no such hour"),
        ("21 November 2026", "is no date"),
        ("21 November 0001, 23:59", "its year cannot be"),
    ],
)
def test_what_cannot_be_read_for_sure_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_date(text)


@pytest.mark.parametrize(
    ("status", "until"),
    [
        ("No submission - Extension granted until: Monday, 2 March 2026, 5:00 PM", "5:00 PM"),
        ("Submitted for grading - 1 day late - Extension granted until: Mon, x - Graded", "Mon, x"),
        ("Zur Bewertung abgegeben - Erweiterung der Abgabe möglich bis: Montag, 2. März", "März"),
        ("Keine Abgabe - Verlängerung bis: Montag, 2. März 2026, 17:00", "17:00"),
        (
            "Zur Bewertung abgegeben - Verlängerung gewährt bis: Montag, 2. März 2026, 17:00",
            "17:00",
        ),
    ],
)
def test_extensions_in_the_status(status, until):
    assert read_extension(status).endswith(until)


@pytest.mark.parametrize(
    "status", ["", "Zur Bewertung abgegeben - 36 Tage zu spät -  - ", "Graded"]
)
def test_a_status_without_extension(status):
    assert read_extension(status) is None


@given(st.text(max_size=40))
def test_no_text_ends_in_another_error(text):
    with contextlib.suppress(ValueError):
        assert read_date(text) is None or len(text) > 10
