"""Each exercise by itself: solved alone in an otherwise blank notebook it earns its points."""

import gc
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from grading.building.source import read_source
from grading.building.trials import Bench, Trial
from grading.building.variants import setup_code
from grading.course import read_course
from labs.engine.catalog import Lab, check_files, find_labs

COURSE = read_course(Path(__file__).parents[3])
EXERCISES = [
    pytest.param(lab, e.id, id=e.id, marks=pytest.mark.xdist_group(f"alone {lab.name}"))
    for lab in find_labs()
    for e in lab.exercises.values()
    if e.kind == "code"
]


def blank_but(lab: Lab, solved: str) -> nbformat.NotebookNode:
    """Every answer as students get it but one, each with its check; nothing is measured."""
    source = read_source(COURSE.source(lab))
    ids = [e.id for e in lab.exercises.values() if e.kind == "code"]
    cells = []
    for exercise in ids:
        (answer,) = source.cells_of(exercise, "solution")
        cells += [
            new_code_cell(setup_code(source, exercise)),
            new_code_cell(answer.solved if exercise == solved else answer.stubbed),
            new_code_cell(f'show_check("{exercise}")'),
        ]
    return new_notebook(cells=cells)


@pytest.fixture(autouse=True)
def finalised() -> Iterator[None]:
    """Finish here what nbclient leaves behind: in the middle of another test it does harm there."""
    yield
    gc.collect()


@pytest.mark.notebook
@pytest.mark.parametrize(("lab", "exercise"), EXERCISES)
def test_an_exercise_solved_alone_earns_exactly_its_points(
    lab: Lab, exercise: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = blank_but(lab, exercise)
    NotebookClient(notebook, timeout=300).execute()
    shown = [cell.outputs[-1].data["text/plain"] for cell in notebook.cells[2::3]]
    ids = [e.id for e in lab.exercises.values() if e.kind == "code"]
    want = {e: lab.exercises[e].points if e == exercise else 0 for e in ids}
    assert dict(zip(ids, map(float, shown), strict=True)) == want


@pytest.mark.parametrize("lab", find_labs(), ids=lambda lab: lab.name)
def test_the_answer_import_it_scores_nothing(lab: Lab) -> None:
    source = read_source(COURSE.source(lab))
    checks = [*check_files(lab.folder, "checks"), *COURSE.hidden(lab)]
    with Bench(checks) as bench:
        for exercise in lab.exercises.values():
            if exercise.kind == "code":
                setup = setup_code(source, exercise.id)
                answers = sorted(
                    (COURSE.variants(lab) / exercise.id).glob("mistake_imports_it*.py")
                )
                assert answers, f"no variant of {exercise.id} imports its answer"
                for path in answers:
                    code = path.read_text(encoding="utf-8")
                    trial = Trial(exercise.id, setup, code, exercise.withhold)
                    assert bench.run(trial, limit_s=60).highest == 0, path
