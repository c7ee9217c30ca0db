"""`course report` on a folder of grades: the table on standard output, the page in the folder."""

import pytest

from grading import cli
from grading.assessing.assessment import Assessment
from grading.store import Cost, Handed, Key, Store
from grading.verdict import CaseVerdict, ExerciseVerdict, Verdict

CASES = (CaseVerdict("empty", "An empty list gives 0.", True, 1.0, False, "secret"),)
EXERCISES = (
    ExerciseVerdict("9.1", "partly", 3.0, 4.0, "3 of 4 cases pass.", CASES),
    ExerciseVerdict("9.2", "to mark", None, 2.0, "A person marks this text."),
)
VERDICTS = (
    Verdict("s1", "needs_marking", EXERCISES, flags=("look at <b>this</b>",), walls=("walls",)),
    Verdict("s2", "needs_marking", EXERCISES, walls=("walls",)),
    Verdict("s3", "refused", problem="the zip leads outside"),
)


@pytest.fixture
def graded(toy, monkeypatch, tmp_path):
    """Stand in the toy course, beside a folder with the grades of three submissions."""
    monkeypatch.chdir(toy.root)
    folder = tmp_path / "results"
    with Store(folder) as store:
        store.put_facts({"lab": "toy"})
        store.put_submissions([Handed(each.submission, "0" * 64) for each in VERDICTS], {})
        run = store.begin_run(jobs=1, walls="walls")
        for each in VERDICTS:
            key = Key("k", "0" * 64)
            store.put(Assessment(each), key=key, reason="new", run=run, cost=Cost(0.1, 0.1))
        store.put_mark("s2", "9.2", points=1.5, marker="me")
    return folder


def test_it_prints_the_table_and_writes_the_page(graded, capsys):
    assert cli.main(["report", str(graded)]) == 0
    said = capsys.readouterr()
    assert said.out == (
        "submission  status   9.1  9.2      total  of\n"
        "s1          to mark  3    to mark  3      6\n"
        "s2          graded   3    1.5      4.5    6\n"
        "s3          refused                       6\n"
        "look at: s1: look at <b>this</b>\n"
        "refused: s3: the zip leads outside\n"
    )
    assert said.err.endswith("report.html\n")
    page = (graded / "report.html").read_text(encoding="utf-8")
    assert "look at &lt;b&gt;this&lt;/b&gt;" in page
    assert "Every submission with code ran behind these walls: walls." in page


def test_a_folder_without_grades_is_said_to_be_one(graded, capsys):
    assert cli.main(["report", str(graded / "elsewhere")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "no grades" in said.err
    assert said.err.count("\n") == 1
