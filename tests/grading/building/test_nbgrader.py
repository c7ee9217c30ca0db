"""nbgrader itself reads what we build: the same cells, the same checksums, the same points.

Off by default: it installs nbgrader (about 330 MB) into an environment of its own, once::

    COURSE_NBGRADER=1 pytest --network tests/grading/test_nbgrader.py
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from grading.building.source import read_source
from grading.course import read_course

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(
        os.environ.get("COURSE_NBGRADER") != "1",
        reason="installs nbgrader, 330 MB: set COURSE_NBGRADER=1",
    ),
]

REPOSITORY = Path(__file__).resolve().parents[3]
VERSION = "0.9.6"
CHECKSUMS = """
import json, sys
import nbformat
from nbgrader.utils import compute_checksum
from nbgrader.nbgraderformat import MetadataValidator
cells = nbformat.read(sys.argv[1], as_version=4).cells
for cell in cells:
    MetadataValidator().validate_cell(cell)
print(json.dumps([compute_checksum(c) for c in cells if "nbgrader" in c.metadata]))
"""
# Right on the written-out case, wrong on drawn ones: one of the two visible cases passes.
PARTIAL = "    return 6 if 5 in values else 3"
STUB = "    # YOUR CODE HERE\n    raise NotImplementedError()"


@pytest.fixture(scope="session")
def nbgrader(pytestconfig: pytest.Config) -> Path:
    """The folder with nbgrader's programs, in an environment that later sessions find again."""
    folder = Path(pytestconfig.cache.mkdir("nbgrader")) / VERSION
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if not (programs / "nbgrader").exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [programs / "python", "-m", "pip", "install", "-q", f"nbgrader=={VERSION}"]
        subprocess.run(install, check=True)
    return programs


@pytest.fixture
def desk(toy, nbgrader):
    """A grader's folder: nbgrader configured, and a kernel that runs the toy course."""
    toy.executed()
    for part in ("__init__.py", "engine", "shared"):
        source = REPOSITORY / "labs" / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, toy.root / "labs" / part)
    shutil.copytree(REPOSITORY / "course_utils", toy.root / "course_utils")
    return _desk(toy.root / "desk", python_path=toy.root)


def _desk(desk, *, python_path):
    kernel = desk / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    specification = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "env": {"PYTHONPATH": str(python_path)},
    }
    (kernel / "kernel.json").write_text(json.dumps(specification))
    (desk / "nbgrader_config.py").write_text("c = get_config()\n")
    return desk


def _nbgrader(programs, desk, *arguments):
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"  # nbgrader starts `alembic` from it
    folders = {"JUPYTER_PATH": str(desk / "jupyter"), "HOME": str(desk), "PATH": path}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"} | folders
    command = [str(programs / arguments[0]), *map(str, arguments[1:])]
    done = subprocess.run(
        command, cwd=desk, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _cells(path):
    """Return what matters of the cells of a notebook: type, text and nbgrader's metadata."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    return [
        (cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("nbgrader"))
        for cell in cells
    ]


def _source_with_regions(student, source, path):
    """Write the notebook that an nbgrader course would start from: regions still in it."""
    notebook = json.loads(student.read_text(encoding="utf-8"))
    for cell, written in zip(notebook["cells"], source.cells, strict=True):
        cell["source"] = written.text
        cell["metadata"].get("nbgrader", {}).pop("checksum", None)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def test_checksums_and_schema(toy, desk, nbgrader):
    for path in (toy.student, toy.reference):
        said = _nbgrader(nbgrader, desk, "python", "-c", CHECKSUMS, path)
        ours = [meta["checksum"] for _, _, meta in _cells(path) if meta]
        assert json.loads(said) == ours
        assert len(ours) == 3


def test_release_and_points(toy, desk, nbgrader):
    path = desk / "source" / "toy" / "toy.ipynb"
    _source_with_regions(toy.student, toy.built().source, path)
    _nbgrader(nbgrader, desk, "nbgrader", "generate_assignment", "toy", "--create")
    assert _cells(desk / "release" / "toy" / "toy.ipynb") == _cells(toy.student)

    blank = toy.student.read_text(encoding="utf-8")
    wrong = json.loads(blank)
    (answer,) = (
        c for c in wrong["cells"] if c["metadata"].get("course", {}).get("role") == "solution"
    )
    answer["source"] = "".join(answer["source"]).replace(STUB, PARTIAL)
    works = {"blank": blank, "wrong": json.dumps(wrong), "right": toy.reference.read_text()}
    # 4 points for code; the 2 for text wait for a person.
    assert _scores(nbgrader, desk, "toy", works) == {"blank": 0, "wrong": 2, "right": 4}


def _scores(nbgrader, desk, lab, works):
    """Return the points that nbgrader gives to each work."""
    for student, text in works.items():
        folder = desk / "submitted" / student / lab
        folder.mkdir(parents=True)
        (folder / f"{lab}.ipynb").write_text(text, encoding="utf-8")
    _nbgrader(nbgrader, desk, "nbgrader", "autograde", lab, "--create")
    _nbgrader(nbgrader, desk, "nbgrader", "export")
    with (desk / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def test_quickstart_points(nbgrader, tmp_path):
    """Without the bias one of the three open cases of 0.1 is left: 4 / 3 points, and 0.2 blank."""
    course = read_course(REPOSITORY)
    lab = course.lab("quickstart")
    desk = _desk(tmp_path / "desk", python_path=REPOSITORY)
    path = desk / "source" / lab.name / f"{lab.name}.ipynb"
    _source_with_regions(lab.notebook, read_source(course.source(lab)), path)
    _nbgrader(nbgrader, desk, "nbgrader", "generate_assignment", lab.name, "--create")
    blank = lab.notebook.read_text(encoding="utf-8")
    wrong = json.loads(blank)
    mistake = course.variants(lab) / "0.1" / "mistake_no_bias.py"
    answer = next(c for c in wrong["cells"] if "".join(c["source"]).startswith("# Exercise 0.1"))
    answer["source"] = "# Exercise 0.1\n" + mistake.read_text(encoding="utf-8")
    right = course.reference(lab).read_text(encoding="utf-8")
    works = {"blank": blank, "wrong": json.dumps(wrong), "right": right}
    assert _scores(nbgrader, desk, lab.name, works) == {"blank": 0, "wrong": 1.33, "right": 8}
