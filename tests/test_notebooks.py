"""Every notebook, student's and reference, run once; the executed reference run again by nbval.

Equal inputs must give equal outputs wherever a cell is not tagged ``nbval-ignore-output``. The
preset is `smoke`; ``--preset default`` takes the notebooks as students get them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from grading.course import read_course
from labs.engine import runner
from labs.engine.catalog import Lab, find_labs

ROOT = Path(__file__).parents[1]
RUN_TIMEOUT_S = 1800
LABS = [
    pytest.param(lab, id=lab.name, marks=pytest.mark.xdist_group(lab.name)) for lab in find_labs()
]


def run(notebook: Path, lab: Lab, preset: str, output: Path) -> dict[str, Any]:
    record = runner.run(notebook, lab=lab, preset=preset, output=output, timeout_s=RUN_TIMEOUT_S)
    assert record["status"] == "ok", record["provenance"].get("error")
    assert set(record["results"]) == set(lab.results)
    return record


def points(executed: Path) -> dict[str, float]:
    """Exercise -> points that its check cell shows."""
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    shown = {}
    for cell in cells:
        course = cell["metadata"].get("course", {})
        if course.get("role") == "check":
            results = [o for o in cell["outputs"] if o["output_type"] == "execute_result"]
            shown[course["exercise"]] = float("".join(results[-1]["data"]["text/plain"]))
    return shown


def code_points(lab: Lab) -> dict[str, float]:
    return {e.id: e.points for e in lab.exercises.values() if e.kind == "code"}


def validate(executed: Path) -> subprocess.CompletedProcess[str]:
    """Execute a notebook again with nbval, in a pytest that knows nothing of this project's."""
    folder = executed.parent
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    environment = {
        **os.environ,
        # As `labs.engine.runner` sets them, so that inputs are equal.
        "COURSE_STATIC": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0"),
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    command = ["-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-c", "pytest.ini"]
    return subprocess.run(
        [sys.executable, *command, "-p", "no:cacheprovider", executed.name],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
    )


@pytest.fixture
def preset(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--preset"))


@pytest.mark.notebook
@pytest.mark.parametrize("lab", LABS)
def test_untouched_student_notebook_runs_to_its_end(lab: Lab, preset: str, tmp_path: Path) -> None:
    """Given functions stand in for what is missing: every result is there, and no point."""
    output = tmp_path / "student.ipynb"
    run(lab.notebook, lab, preset, output)
    assert points(output) == dict.fromkeys(code_points(lab), 0.0)


@pytest.mark.notebook
@pytest.mark.parametrize("lab", LABS)
def test_reference_scores_full_and_repeats_itself(lab: Lab, preset: str, tmp_path: Path) -> None:
    output = tmp_path / "reference.ipynb"
    run(read_course(ROOT).reference(lab), lab, preset, output)
    assert points(output) == code_points(lab)
    again = validate(output)
    assert again.returncode == 0, again.stdout[-4000:] + again.stderr[-1000:]


def write(path: Path, *cells: Any) -> Path:
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def text_output(text: str) -> Any:
    return new_output("execute_result", data={"text/plain": text}, execution_count=1)


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("source", "stored", "tags", "is_fine"),
    [
        ("1 + 1", "2", [], True),
        ("1 + 1", "3", [], False),
        ("__import__('time').time()", "0.5", [], False),
        ("__import__('time').time()", "0.5", ["nbval-ignore-output"], True),
    ],
)
def test_an_output_that_changes_fails(
    source: str, stored: str, tags: list[str], is_fine: bool, tmp_path: Path
) -> None:
    cell = new_code_cell(
        source, execution_count=1, outputs=[text_output(stored)], metadata={"tags": tags}
    )
    assert (validate(write(tmp_path / "a.ipynb", cell)).returncode == 0) == is_fine


@pytest.mark.notebook
def test_a_cell_that_raises_fails(tmp_path: Path) -> None:
    (lab, *_) = find_labs()
    notebook = write(tmp_path / "a.ipynb", new_code_cell("1 / 0"))
    record = runner.run(notebook, lab=None, output=tmp_path / "out.ipynb")
    assert record["status"] == "failed"
    assert record["provenance"]["error"]["name"] == "ZeroDivisionError"
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run(notebook, Lab(**{**vars(lab), "presets": {"none": {}}}), "none", tmp_path / "b.ipynb")
