"""The late rule at work: deadlines, extensions, free days of the term, and what nobody knows."""

from datetime import UTC, datetime, timedelta

import pytest

from grading.course import read_course
from grading.moodle.identities import Identity, Member
from grading.moodle.worksheet import read_worksheet
from grading.rules.late_roll import keep, late_roll
from grading.store import Handed

DEADLINE = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
COURSE = """\
title = "A course for tests"
time_zone = "UTC"

[labs.toy]
weight = 1.0
deadline = 2026-11-21T23:00:00

[late]
percent_per_day = 10
free_days = 1
"""


@pytest.fixture
def course(toy):
    (toy.root / "course.toml").write_text(COURSE, encoding="utf-8")
    return read_course(toy.root)


def handed(name: str, days: float | None) -> Handed:
    moment = None if days is None else DEADLINE + timedelta(days=days)
    return Handed(name, "d", submitted=moment, person=(f"person-{name}",))


def roll(course, *each: Handed, **options):
    return late_roll(course, course.lab("toy"), handed=each, identities={}, **options)


def test_late_days_cost_their_share_after_the_free_ones(course):
    late = roll(course, handed("anna", -1), handed("ben", 0.5), handed("cleo", 2.5)).late
    assert {name: (each.days, each.percent) for name, each in late.items()} == {
        "anna": (0.0, 0.0),
        "ben": (1.0, 0.0),
        "cleo": (3.0, 20.0),
    }


def test_what_nobody_knows_costs_nothing(course):
    late = roll(course, handed("anna", None)).late["anna"]
    assert (late.days, late.percent) == (None, 0.0)


def test_an_extension_moves_the_deadline_and_a_strange_one_is_told(course):
    lines = ["submission,lab,new_deadline,extra_days,by", "cleo,toy,,3,me", "nobody,toy,,1,me"]
    course.extensions_file.write_text("\n".join(lines), encoding="utf-8")
    sheet = b"Identifier,Full name,Status,Grade,Maximum Grade,Last modified (grade)\n" + b"".join(
        b'Participant %d,X,"Submitted - Extension granted until: Friday, 27 November 2026, 1:00 PM"'
        b",,6.00,-\n" % number
        for number in (1, 2)
    )
    people = {
        name: Identity(name, "X", n, "", False, (Member(n, "X", "", "", "", ""),))
        for n, name in enumerate(("cleo", "ben"), 1)
    }
    found = late_roll(
        course,
        course.lab("toy"),
        handed=[handed("cleo", 2.5)],
        identities=people,
        rows=read_worksheet(sheet).rows,
    )
    assert found.late["cleo"].days == 0.0
    strange, longer, missing = found.warnings
    assert strange == "extensions.csv: nobody fits no submission of toy"
    assert longer.startswith("number 1: Moodle's extension until Friday")
    assert missing.startswith("number 2: Moodle granted an extension until Friday")


def test_free_days_are_the_same_however_often_a_lab_is_graded(course):
    first = roll(course, handed("ben", 1.5))
    for _ in range(2):
        keep(roll(course, handed("ben", 1.5)), course=course, lab=course.lab("toy"))
    assert roll(course, handed("ben", 1.5)).late == first.late
    assert [path.name for path in (course.state / "late").iterdir()] == ["toy.json"]


def test_who_is_on_time_in_another_submission_is_late_no_more(course):
    keep(roll(course, handed("anna", 0.5)), course=course, lab=course.lab("toy"))
    moved = Handed("team", "d", submitted=DEADLINE, person=("person-anna", "person-ben"))
    assert roll(course, moved).ledger.labs["toy"] == {}
