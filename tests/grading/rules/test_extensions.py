"""The file of extensions: who is meant, until when, and what Moodle knows besides."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.errors import ExtensionsError
from grading.moodle.worksheet import read_worksheet
from grading.rules.extensions import keys_of, match, only_in_moodle, read_extensions

BERLIN = ZoneInfo("Europe/Berlin")
DEADLINE = datetime(2026, 12, 12, 23, 59, tzinfo=BERLIN)
LABS = ("toy", "other")
HEADER = "submission,lab,new_deadline,extra_days,by,note\n"
IDENTITY = {
    "number": 101,
    "name": "Ann Doe",
    "email": "Ann@example.org",
    "id_number": "7001",
    "members": [{"number": 102, "name": "Max", "email": "max@example.org"}],
}


def read(folder, text):
    path = folder / "extensions.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_extensions(path, zone=BERLIN, labs=LABS)


def test_no_file_is_no_extension(tmp_path):
    assert read_extensions(tmp_path / "extensions.csv", zone=BERLIN, labs=LABS) == ()
    assert read(tmp_path, HEADER) == ()


@pytest.mark.parametrize(
    ("new_deadline", "extra_days", "want"),
    [
        ("2026-12-19 23:59", "", datetime(2026, 12, 19, 23, 59, tzinfo=BERLIN)),
        ("2026-12-19T23:59:00Z", "", datetime(2026, 12, 19, 23, 59, tzinfo=UTC)),
        ("19.12.2026 23:59", "", datetime(2026, 12, 19, 23, 59, tzinfo=BERLIN)),
        ('"Samstag, 19. Dezember 2026, 23:59"', "", datetime(2026, 12, 19, 23, 59, tzinfo=BERLIN)),
        ("", "3", datetime(2026, 12, 15, 23, 59, tzinfo=BERLIN)),
        ("", "0.5", datetime(2026, 12, 13, 11, 59, tzinfo=BERLIN)),
    ],
)
def test_until_when(tmp_path, new_deadline, extra_days, want):
    (found,) = read(tmp_path, f"{HEADER}p1,toy,{new_deadline},{extra_days},A. Lecturer,ill\n")
    assert found.deadline(DEADLINE) == want
    assert found.deadline(DEADLINE).tzinfo == BERLIN
    assert (found.by, found.line) == ("A. Lecturer", 2)


def test_extra_days_end_at_the_same_hour_when_the_clocks_change(tmp_path):
    (found,) = read(tmp_path, f"{HEADER}p1,toy,,1,me,\n")
    usual = datetime(2026, 10, 24, 23, 59, tzinfo=BERLIN)
    assert found.deadline(usual).astimezone(UTC) - usual.astimezone(UTC) == timedelta(hours=25)


def test_as_a_german_spreadsheet_saves_it(tmp_path):
    text = "\ufeff" + HEADER.replace(",", ";") + "p1;toy;;1,5;me;\r\n;;;;;\r\n"
    (found,) = read(tmp_path, text)
    assert found.extra_days == 1.5


@pytest.mark.parametrize(
    "name", ["p1", "P1", "101", "ann@example.org", "7001", "102", "MAX@example.org"]
)
def test_what_identifies_a_student(tmp_path, name):
    extensions = read(tmp_path, f"{HEADER}{name},toy,,3,me,\n")
    people = {"p1": keys_of("p1", IDENTITY), "p2": keys_of("p2", None)}
    found = match(extensions, people, lab="toy")
    assert found.deadline("p1", DEADLINE) == DEADLINE + timedelta(days=3)
    assert found.deadline("p2", DEADLINE) == DEADLINE
    assert found.deadline("p1", None) is None
    assert found.unmatched == ()


def test_a_name_identifies_nobody(tmp_path):
    extensions = read(tmp_path, f"{HEADER}Ann Doe,toy,,3,me,\n")
    found = match(extensions, {"p1": keys_of("p1", IDENTITY)}, lab="toy")
    assert (found.of, found.unmatched) == ({}, extensions)


def test_other_labs_do_not_matter_and_a_team_gets_its_longest(tmp_path):
    text = f"{HEADER}101,toy,,3,me,\n102,toy,,5,me,\n101,other,,9,me,\n"
    found = match(read(tmp_path, text), {"p1": keys_of("p1", IDENTITY)}, lab="toy")
    assert found.deadline("p1", DEADLINE) == DEADLINE + timedelta(days=5)


def test_an_extension_never_makes_a_deadline_earlier(tmp_path):
    extensions = read(tmp_path, f"{HEADER}p1,toy,2026-12-01 12:00,,me,\n")
    assert match(extensions, {"p1": {"p1"}}, lab="toy").deadline("p1", DEADLINE) == DEADLINE


def test_a_line_that_fits_two_submissions_is_refused(tmp_path):
    extensions = read(tmp_path, f"{HEADER}7001,toy,,3,me,\n")
    people = {"p1": keys_of("p1", IDENTITY), "p2": keys_of("p2", {"number": 7001})}
    with pytest.raises(ExtensionsError, match=r"line 2 .* '7001' fits the submissions p1 and p2"):
        match(extensions, people, lab="toy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("submission,lab,new_deadline,days,by\n", "line 1: unknown column 'days'"),
        ("submission,lab,new_deadlin,extra_days,by\n", "did you mean 'new_deadline'?"),
        ("submission,lab,new_deadline,by\n", "line 1: the column extra_days must be there once"),
        (HEADER.replace("note", "by"), "line 1: the column by must be there once"),
        (f"{HEADER}p1,toi,,3,me,\n", "line 2: no lab 'toi'; did you mean 'toy'? (toy, other)"),
        (f"{HEADER}\n,toy,,3,me,\n", "line 3: submission is empty"),
        (f"{HEADER}p1,toy,,3,,\n", "line 2: by is empty"),
        (f"{HEADER}p1,toy,,,me,\n", "line 2: give either new_deadline"),
        (f"{HEADER}p1,toy,2026-12-19 23:59,3,me,\n", "line 2: give either new_deadline"),
        (
            f"{HEADER}p1,toy,2026-12-19,,me,\n",
            "line 2: '2026-12-19' has no time; write 2026-12-19 2",
        ),
        (
            f"{HEADER}p1,toy,12/19/2026 23:59,,me,\n",
            "line 2: new_deadline '12/19/2026 23:59' is no",
        ),
        (
            f"{HEADER}p1,toy,0001-01-01 10:00,,me,\n",
            "line 2: new_deadline '0001-01-01 10:00' is no",
        ),
        (f"{HEADER}p1,toy,-,,me,\n", "line 2: new_deadline '-' is no date and time"),
        (f"{HEADER}p1,toy,,-1,me,\n", "line 2: extra_days '-1'; allowed: a number above 0"),
        (f"{HEADER}p1,toy,,0,me,\n", "line 2: extra_days '0'"),
        (f"{HEADER}p1,toy,,nan,me,\n", "line 2: extra_days 'nan'"),
        (f"{HEADER}p1,toy,,x,me,\n", "line 2: extra_days 'x'"),
        (f"{HEADER}p1,toy,,3,me\n", "line 2: 5 cells, the header has 6"),
        (
            f"{HEADER}p1,toy,,3,me,\nP1 ,toy,,4,me,\n",
            "line 3: 'P1' and toy stand in line 2 already",
        ),
        (b"submission\xff", "line 1: not UTF-8"),
        ("", "the file is empty"),
    ],
)
def test_a_mistake_is_answered_with_file_and_line(tmp_path, text, message):
    with pytest.raises(ExtensionsError) as caught:
        read(tmp_path, text)
    assert f"extensions.csv, {message[:4]}" in str(caught.value) or "did you" in message
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


SHEET = """\
Identifier,Full name,Email address,Status
Participant 101,Ann,ann@example.org,"{}"
Participant 102,Max,max@example.org,No submission
"""
GRANTED = "No submission - Extension granted until: Saturday, 19 December 2026, 11:59 PM"
GERMAN = "Keine Abgabe - Verlängerung bis: Samstag, 19. Dezember 2026, 23:59"


@pytest.mark.parametrize("status", [GRANTED, GERMAN])
def test_an_extension_in_moodle_alone_is_warned_about(tmp_path, status):
    rows = read_worksheet(SHEET.format(status).encode()).rows
    (warning,) = only_in_moodle(rows, (), lab="toy", usual=DEADLINE)
    assert warning.startswith("number 101: Moodle granted an extension until Sa")
    assert "Ann" not in warning
    assert only_in_moodle(rows, (), lab="toy", usual=None) == []


@pytest.mark.parametrize("name", ["101", "ANN@example.org", "p1"])
def test_one_that_both_know_is_not(tmp_path, name):
    rows = read_worksheet(SHEET.format(GRANTED).encode()).rows
    extensions = read(tmp_path, f"{HEADER}{name},toy,2026-12-19 23:59,,me,\n")
    keys = {101: {"p1"}}
    assert only_in_moodle(rows, extensions, lab="toy", usual=DEADLINE, pseudonyms=keys) == []
    assert len(only_in_moodle(rows, extensions, lab="other", usual=DEADLINE, pseudonyms=keys)) == 1


def test_one_that_is_shorter_in_the_file_is(tmp_path):
    rows = read_worksheet(SHEET.format(GRANTED).encode()).rows
    extensions = read(tmp_path, f"{HEADER}101,toy,,2,me,\n")
    (warning,) = only_in_moodle(rows, extensions, lab="toy", usual=DEADLINE)
    assert "is longer than line 2 of the extensions, which counts" in warning


@given(st.text(max_size=60))
def test_no_text_ends_in_another_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("x") / "extensions.csv"
    for content in (text, HEADER + text, f"{HEADER}p1,toy,{text}"):
        path.write_bytes(content.encode("utf-8", "replace"))
        try:
            found = read_extensions(path, zone=BERLIN, labs=LABS)
        except ExtensionsError:
            continue
        for each in found:
            assert each.deadline(DEADLINE).tzinfo == BERLIN
