"""The made-up cohort: the same bytes each time, and points that follow from the cases' weights.

The points are worked out by hand beside each member. Here every function meets every case in a
process of its own with little time and memory, which is all that it takes without a grader.
"""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from grading.cohort import LAB, MEMBERS, make_cohort
from labs.engine.catalog import find_lab

LAB_FILES = find_lab(LAB)
CODE = ("0.1", "0.2")
ROOT = Path(__file__).parents[2]

# Forks a process for each case: those that hang, exit or take 4 GiB end there.
JUDGE = """
import json, os, resource, signal, sys
import numpy as np
from grading.course import find_root, read_course
from labs.engine.catalog import find_lab
from labs.engine.checks import load_checks, run_cases

lab = find_lab(sys.argv[2])
(hidden,) = read_course(find_root()).hidden(lab)
groups = load_checks("labs.quickstart.checks"), load_checks(hidden)
found = {}

def passes(cells, case):
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    passed = False
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (4, 5))
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        namespace = {"np": np}
        for code in cells:
            try:
                exec(code.replace("%precision", "#"), namespace)
            except Exception:
                pass
        passed = run_cases([case], namespace).status == "passed"
    finally:
        os._exit(0 if passed else 1)

for line in sys.stdin:
    name, exercise, cells = json.loads(line)
    opened, closed = ([(case, passes(cells, case)) for case in g[exercise]] for g in groups)
    fails = {case.sentence for case, passed in closed if not passed}
    counted = [c for c, passed in opened if passed and c.sentence not in fails]
    weight = sum(c.weight for c in [*counted, *(c for c, passed in closed if passed)])
    share = weight / sum(case.weight for case, _ in [*opened, *closed])
    found[f"{name} {exercise}"] = round(lab.exercises[exercise].points * share, 2)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """The folder of a cohort, and what each submission must get."""
    folder = tmp_path_factory.mktemp("cohort")
    return folder, make_cohort(LAB_FILES, folder)


def notebook(folder, member):
    return json.loads((folder / member / "quickstart.ipynb").read_text(encoding="utf-8"))


def code_of(cells, exercise):
    """What runs before the cases of an exercise: own cells before the answer, and the answer."""
    function = LAB_FILES.exercises[exercise].functions[0]
    answer = f"answer-{exercise.replace('.', '-')}"
    for place, cell in reversed(list(enumerate(cells))):  # of copies the last, as a notebook runs
        is_answer = cell["metadata"].get("nbgrader", {}).get("grade_id") == answer
        is_retyped = cell["id"].startswith("own-") and f"def {function}(" in cell["source"]
        if is_answer or is_retyped:
            own = [c["source"] for c in cells[:place] if c["id"].startswith("own-")]
            return [*own, cell["source"]]
    return []


def test_there_are_twelve_and_each_has_every_exercise(cohort):
    folder, expected = cohort
    assert len(expected) == 12
    assert sorted(path.name for path in folder.iterdir()) == sorted(expected)
    for points in expected.values():
        assert points.keys() == LAB_FILES.exercises.keys()


def test_a_second_cohort_is_the_same(cohort, tmp_path):
    folder, expected = cohort
    assert make_cohort(LAB_FILES, tmp_path) == expected
    for path in folder.rglob("*.ipynb"):
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_the_blank_one_is_the_handout(cohort):
    cells = nbformat.read(LAB_FILES.notebook, as_version=4).cells
    assert [c.source for c in cells] == [
        c["source"] for c in notebook(cohort[0], "c03-blank")["cells"]
    ]


def test_texts_to_mark_are_those_that_were_written(cohort):
    folder, expected = cohort
    for name, points in expected.items():
        texts = [
            cell["source"]
            for cell in notebook(folder, name)["cells"]
            if cell["metadata"].get("course", {}).get("role") == "text"
        ]
        is_written = bool(texts) and "YOUR ANSWER HERE" not in texts[0]
        assert points["0.3"] == (None if is_written else 0), name


@pytest.mark.skipif(sys.platform != "linux", reason="limits a forked process as Linux does")
def test_expected_points_are_the_weights_of_the_cases_that_hold(cohort):
    folder, expected = cohort
    tasks = []
    for name in expected:
        cells = notebook(folder, name)["cells"]
        for exercise in CODE:
            code = code_of(cells, exercise)
            # Its patches would reach the checks here, which is what walls are for.
            code = code[-1:] if name == "c11-hostile" else code
            tasks.append([name, exercise, code])
    found = judged(tasks)
    wanted = {f"{name} {e}": points[e] for name, points in expected.items() for e in CODE}
    assert found == wanted


@pytest.mark.skipif(sys.platform != "linux", reason="limits a forked process as Linux does")
def test_the_hostile_one_wins_where_checks_and_code_share_a_process(cohort):
    cells = notebook(cohort[0], "c11-hostile")["cells"]
    shell = "def get_ipython():\n    raise NameError\n"
    found = judged([["c11-hostile", "0.1", [shell, *code_of(cells, "0.1")]]])
    assert found == {"c11-hostile 0.1": 4.0}


def judged(tasks):
    run = subprocess.run(
        [sys.executable, "-c", JUDGE, "-", LAB],
        input="\n".join(map(json.dumps, tasks)),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return json.loads(run.stdout)


def test_the_command_line_writes_a_cohort_or_says_how(tmp_path):
    command = [sys.executable, "-m", "grading.cohort"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert (run.returncode, run.stderr) == (2, "usage: python -m grading.cohort FOLDER\n")
    subprocess.run([*command, str(tmp_path / "new")], check=True, cwd=ROOT)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {m.id for m in MEMBERS}
