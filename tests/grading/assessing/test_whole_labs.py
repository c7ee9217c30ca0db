"""Real labs through the real grader: the made-up cohort, and the reference of every lab."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from grading import cli
from grading.cohort import MEMBERS, make_cohort
from grading.course import read_course
from labs.engine.catalog import Lab, find_lab, find_labs
from labs.engine.sandbox.confine import walls_missing

ROOT = Path(__file__).parents[3]
COURSE = read_course(ROOT)
pytestmark = [
    pytest.mark.xdist_group("whole labs"),
    pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}"),
]


def graded(lab: str, submissions: Path, output: Path, *options: str) -> dict[str, dict[str, str]]:
    """Type ``course grade`` and return the rows of its table by submission."""
    assert cli.main(["grade", lab, str(submissions), "-o", str(output), *options]) == 0
    with (output / "grades.csv").open(encoding="utf-8") as file:
        return {row["submission"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    make_cohort(find_lab("quickstart"), folder)
    return folder


def test_each_of_the_cohort_gets_exactly_what_it_got_right(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = graded("quickstart", cohort, tmp_path / "grades", "--jobs", "2")
    got = {
        name: {key: float(row[key]) if row[key] else None for key in ("0.1", "0.2", "0.3")}
        for name, row in rows.items()
    }
    assert got == {member.id: dict(member.expected) for member in MEMBERS}
    shown = capsys.readouterr().out
    assert all(name in shown for name in got)
    page = (tmp_path / "grades" / "feedback" / "c11-hostile" / "feedback.html").read_text()
    assert "<script" not in page


def test_a_submission_alone_gets_the_page_that_it_gets_in_a_crowd(
    cohort: Path, tmp_path: Path
) -> None:
    names = ("c02-partly-right", "c07-os-exit", "c11-hostile")
    for name in names:
        shutil.copytree(cohort / name, tmp_path / "few" / name)
    graded("quickstart", tmp_path / "few", tmp_path / "together", "--jobs", "2")
    for name in reversed(names):
        graded("quickstart", tmp_path / "few", tmp_path / "alone", "--only", name, "--jobs", "1")
    for name in names:
        page = Path("feedback", name, "feedback.html")
        assert (tmp_path / "alone" / page).read_bytes() == (
            tmp_path / "together" / page
        ).read_bytes()
    tables = [(tmp_path / each / "grades.csv").read_bytes() for each in ("alone", "together")]
    assert tables[0] == tables[1]


@pytest.mark.notebook
@pytest.mark.parametrize("lab", find_labs(), ids=lambda lab: lab.name)
def test_the_reference_of_a_lab_gets_all_points_in_code(lab: Lab, tmp_path: Path) -> None:
    content = json.loads(COURSE.reference(lab).read_text(encoding="utf-8"))
    folder = tmp_path / "submissions" / "reference"
    folder.mkdir(parents=True)
    (folder / f"{lab.name}.ipynb").write_text(json.dumps(content), encoding="utf-8")
    row = graded(lab.name, tmp_path / "submissions", tmp_path / "grades")["reference"]
    want = {e.id: f"{e.points:g}" if e.kind == "code" else "" for e in lab.exercises.values()}
    assert {exercise: row[exercise] for exercise in want} == want
