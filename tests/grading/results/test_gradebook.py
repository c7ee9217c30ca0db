"""The table of grades: its form to the letter, and no cell that a spreadsheet would run."""

import csv
import io
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.errors import GradingError
from grading.results.gradebook import GradeRow, grade_row, grades_text, write_grades
from grading.verdict import ExerciseVerdict, Verdict

EXERCISES = ["0.1", "0.2", "0.3"]
RIGHT = GradeRow("s2", "graded", 9.5, 10.0, {"0.1": 4.0, "0.2": 4.0, "0.3": 1.5}, late_days=0.0)
OPEN = GradeRow("s1", "needs_marking", 6.86, 10, {"0.1": 2.86, "0.2": 4.0, "0.3": None})
REFUSED = GradeRow("s3", "refused", None, 10, {})
STARTS = "=+-@\uff1d\uff0b\uff0d\uff20"
NAMES = ["=1+1", "+49 30", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u202e=1", "\x00=1"]
NAMES += ["a;=1", 'a";"=1', '"=1', "a; \t@x", "a\n=1,2,3", "\ufeff=1", "\u200b=1", "\uff1d1"]
hostile = st.one_of(
    st.sampled_from(NAMES),
    st.text(st.characters(codec=None, exclude_categories=()), max_size=30),
    st.text("=+-@;,\"'\t\r\n a\u00a0\u202e", max_size=12),
)


def test_the_table_is_as_documented():
    assert grades_text([RIGHT, OPEN, REFUSED], exercises=EXERCISES) == (
        "submission,name,status,late_days,total,max_total,0.1,0.2,0.3\n"
        "s1,,needs_marking,,6.86,10,2.86,4,\n"
        "s2,,graded,0,9.5,10,4,4,1.5\n"
        "s3,,refused,,,10,,,\n"
    )


def test_every_member_of_a_team_has_a_row_sorted_by_name():
    names = {"s1": ["Zoë", "Jörg, Dr."], "s2": ['Ann "A" Lee'], "unknown": ["Nobody"]}
    text = grades_text([RIGHT, OPEN, REFUSED], exercises=[], identities=names)
    assert [line.split(",needs")[0].split(",graded")[0] for line in text.splitlines()[1:]] == [
        's1,"Jörg, Dr."',
        "s1,Zoë",
        's2,"Ann ""A"" Lee"',
        "s3,,refused,,,10",
    ]


@given(st.lists(hostile, min_size=1, max_size=4))
def test_whatever_a_name_holds_the_table_keeps_its_form(names):
    text = grades_text([OPEN], exercises=EXERCISES, identities={"s1": names})
    assert text.count("\n") == 1 + len(names)
    text.encode("utf-8")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in rows} == {9}
    for row in rows[1:]:
        assert row[0] == "s1"
        assert row[2:] == ["needs_marking", "", "6.86", "10", "2.86", "4", ""]


@given(hostile, st.sampled_from(",;"))
def test_no_cell_is_a_formula_whatever_separates_cells(name, separator):
    text = grades_text([OPEN], exercises=EXERCISES, identities={"s1": [name]})
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        for cell in row:
            seen = cell.lstrip(' \u00a0"\ufeff\u200b')
            assert not seen.startswith(tuple(STARTS)), cell


@given(st.floats(0, 1e6), st.floats(0, 400))
def test_numbers_stay_numbers(total, days):
    row = GradeRow("s1", "graded", total, 10.0, {"0.1": total}, late_days=days)
    line = grades_text([row], exercises=["0.1"]).splitlines()[1].split(",")
    assert float(line[4]) == float(line[6]) == pytest.approx(total, abs=5.1e-5)
    assert float(line[3]) == pytest.approx(days, abs=5.1e-5)
    assert "e" not in line[4]


def test_a_number_that_is_none_is_refused():
    row = GradeRow("s1", "graded", float("nan"), 10.0, {})
    with pytest.raises(GradingError, match="s1 has nan points"):
        grades_text([row], exercises=[])


def test_a_row_of_a_verdict():
    exercises = (
        ExerciseVerdict("0.1", "partly", 2.86, 4.0, ""),
        ExerciseVerdict("0.3", "to mark", None, 2.0, ""),
    )
    verdict = Verdict("s1", "needs_marking", exercises)
    assert grade_row(verdict, total=2.0, max_total=6, late_days=3) == GradeRow(
        "s1", "needs_marking", 2.0, 6, {"0.1": 2.86, "0.3": None}, 3
    )


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_with_names_is_for_its_owner_alone(tmp_path):
    path = write_grades(tmp_path / "a.csv", [OPEN], exercises=EXERCISES)
    assert mode(path) == 0o644
    path = write_grades(tmp_path / "a.csv", [OPEN], exercises=EXERCISES, identities={"s1": ["Zoë"]})
    assert mode(path) == 0o600
    assert path.read_bytes().decode("utf-8").splitlines()[1].startswith("s1,Zoë,")
    assert b"\r" not in path.read_bytes()


@pytest.mark.parametrize("identities", [None, {"s1": ["Zoë"]}])
def test_a_write_that_fails_leaves_the_file_before(tmp_path, monkeypatch, identities):
    path = write_grades(tmp_path / "grades.csv", [OPEN], exercises=EXERCISES)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_grades(path, [RIGHT], exercises=EXERCISES, identities=identities)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
