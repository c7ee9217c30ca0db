"""The report for instructors: what comes first, what is counted, and that text stays text."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.results.report import ReportRow, report_html, report_text
from grading.verdict import CaseVerdict, ExerciseVerdict, Verdict
from labs.engine.catalog import find_lab

LAB = find_lab("quickstart")
WALLS = ("own processes", "no network")


def row(name="s1", *, points=(4.0, 4.0, None), flags=(), names=(), late_days=None, notes=()):
    statuses = ["passed" if p else "stopped" for p in points[:2]] + ["to mark"]
    cases = (CaseVerdict("a", "It adds.", False, 1.0, True),)
    exercises = tuple(
        ExerciseVerdict(exercise.id, status, given, exercise.points, "A sentence.", cases)
        for exercise, status, given in zip(LAB.exercises.values(), statuses, points, strict=True)
    )
    status = "needs_marking" if None in points else "graded"
    verdict = Verdict(name, status, exercises, flags=flags, walls=WALLS, notes=notes)
    return ReportRow(verdict, verdict.points, 10.0, late_days=late_days, names=names)


def refused(name="s9", problem="the zip leads outside"):
    return ReportRow(Verdict(name, "refused", problem=problem), None, 10.0)


class Tags(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.pieces = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag):
        self.pieces.append(" ")

    def handle_data(self, data):
        self.pieces.append(data)


def text_of(rows, **options):
    pieces = "".join(Tags(report_html(LAB, rows, **options)).pieces)
    return " ".join(pieces.split("}")[-1].split())  # after the style sheet


def test_what_needs_a_person_comes_first():
    text = text_of([row("a"), row("z", flags=("two cells claim to be 0.2",)), refused()])
    assert text.index("z : two cells claim to be 0.2") < text.index("Exercises")
    assert "s9 : refused: the zip leads outside" in text
    assert "3 submissions: 2 to mark, 1 refused, 2 to look at first" in text
    table = text[text.index("Submissions") :]
    assert table.index("s9") < table.index("z look") < table.index("a to mark")


def test_the_walls_in_force_are_named_and_their_absence_too():
    bare = Verdict("b", "graded", row().verdict.exercises)
    text = text_of([row("a"), ReportRow(bare, 8.0, 10.0), refused()])
    assert "1 of 2 with code ran behind these walls: own processes, no network." in text
    assert "no walls 1 of 2 with code ran without any walls." in text
    blank = ExerciseVerdict("0.1", "not attempted", 0.0, 4.0, "Not attempted.")
    idle = ReportRow(Verdict("c", "graded", (blank,)), 0.0, 10.0)
    assert "no walls" not in text_of([row("a"), idle, refused()])
    assert "Every submission with code ran behind these walls" in text_of([row("a"), idle])


def test_means_have_an_interval_where_there_are_enough():
    points = [4.0, 4.0, 3.0, 2.0, 4.0, 0.0]
    rows = [row(str(n), points=(p, 4.0, None)) for n, p in enumerate(points)]
    text = text_of(rows)
    found = re.search(r"costs 4 2\.83 \[([\d.]+), ([\d.]+)\], n = 6", text)  # 17 / 6
    assert 0 <= float(found[1]) < 2.83 < float(found[2]) <= 4
    assert "numbers 4 4 [4, 4], n = 6" in text
    assert "costs 4 3.67, n = 3" in text_of(rows[:3])  # 11 / 3, and too few for an interval
    assert report_html(LAB, rows) == report_html(LAB, rows[::-1])


def test_statuses_are_counted():
    text = text_of([row("a", points=(4.0, 0.0, None)), row("b", points=(0.0, 0.0, None))])
    assert "costs 4 2, n = 2 1 1" in text  # one passed, one stopped
    assert "ship? 2 2" in text  # both to mark, no mean
    some = text_of([row("a"), row("b", points=(0.0, 0.0, 1.5))])
    assert "ship? 2 1 1" in some  # one to mark, one marked: a mean of one would mislead


def test_names_appear_only_when_given():
    assert " Name " not in text_of([row()])
    assert "Jörg Müller, 李小龍" in text_of([row(names=("Jörg Müller", "李小龍"))])


def test_late_days_and_notes_are_shown():
    text = text_of([row("a", late_days=2.0, notes=("cell 12 could not be placed",))], release="7")
    assert "a to mark 2 4 passed 4 passed open to mark 8 10" in text
    assert "Notes a cell 12 could not be placed" in text
    assert "Report on quickstart, release 7" in text


def test_a_report_on_nothing():
    assert "0 submissions: none has a flag" in text_of([])
    assert report_text(LAB, []).count("\n") == 1


hostile = st.one_of(
    st.sampled_from(
        ["<script>alert(1)</script>", "\x1b[31mred", '"><img src=x onerror=alert(1)>', "\u202ex"]
    ),
    st.text(st.characters(codec=None, exclude_categories=()), min_size=1, max_size=40),
)


@given(hostile)
def test_a_hostile_text_changes_no_tag(text):
    def made(said):
        return report_html(
            LAB,
            [row(said, flags=(said,), names=(said,), notes=(said,)), refused(said, said)],
            release=said,
        )

    page = Tags(made(text))
    assert page.tags == Tags(made("harmless")).tags
    assert {"script", "a", "img"}.isdisjoint(page.tags)
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
    made(text).encode("utf-8")


@given(hostile)
def test_a_hostile_text_cannot_steer_a_terminal(text):
    rows = [row(text, flags=(text,), names=(text,)), refused(text, text)]
    table = report_text(LAB, rows)
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", table
    )
    assert table.count("\n") == 3 + 2  # header, two rows; two things to look at


def test_the_table_for_a_terminal():
    rows = [row("b", points=(2.86, 0.0, None)), refused("a"), row("c", flags=("look",))]
    assert report_text(LAB, rows) == (
        "submission  status   0.1   0.2        0.3      total  of\n"
        "a           refused                                   10\n"
        "b           to mark  2.86  0 stopped  to mark  2.86   10\n"
        "c           to mark  4     4          to mark  8      10\n"
        "refused: a: the zip leads outside\n"
        "look at: c: look\n"
    )


@pytest.mark.parametrize("count", [1, 1000])
def test_the_page_grows_with_the_submissions_and_no_faster(count):
    page = report_html(LAB, [row(f"s{n}") for n in range(count)])
    assert len(page) < 8_000 + 500 * count


def test_the_walls_are_named_without_the_cases_too():
    lean = row("a")
    exercises = tuple(dataclasses.replace(e, cases=()) for e in lean.verdict.exercises)
    lean = dataclasses.replace(lean, verdict=dataclasses.replace(lean.verdict, exercises=exercises))
    assert "Every submission with code ran behind these walls" in text_of([lean])
    bare = dataclasses.replace(lean, verdict=dataclasses.replace(lean.verdict, walls=()))
    assert "no walls" in text_of([bare])
