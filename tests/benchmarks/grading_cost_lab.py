"""A lab for measuring what grading costs: six exercises with at most a second of computing.

The exercises need numpy only. Its setup cell imports what `IMPORTS` says: the packages that every
lab of this project imports, or numpy alone. `make_course` writes it as a course of ours; `notebook`
is the one notebook that ours and nbgrader both grade, byte for byte: its test cells hold for
nbgrader the same calls and the same expected values that our checks have.
"""

import copy
import json
import textwrap
import time
from pathlib import Path
from typing import Any

NAME, NUMBER, POINTS = "cost", 9, 3
# Function -> how a student writes it, and the arguments of its three cases.
EXERCISES: dict[str, tuple[str, tuple[int, int, int]]] = {
    "count_primes": (
        """
        def count_primes(n):
            sieve = np.ones(n, dtype=bool)
            sieve[:2] = False
            for i in range(2, int(n**0.5) + 1):
                if sieve[i]:
                    sieve[i * i :: i] = False
            return int(sieve.sum())
        """,
        (10_000, 300_000, 2_000_000),
    ),
    "longest_chain": (
        """
        def longest_chain(n):
            best = 0
            for start in range(1, n):
                steps, value = 0, start
                while value != 1:
                    value = value // 2 if value % 2 == 0 else 3 * value + 1
                    steps += 1
                best = max(best, steps)
            return best
        """,
        (500, 2_000, 8_000),
    ),
    "trace_of_power": (
        """
        def trace_of_power(n):
            matrix = np.arange(n * n).reshape(n, n) % 7
            power = np.eye(n, dtype=np.int64)
            for _ in range(20):
                power = power @ matrix % 1009
            return int(np.trace(power))
        """,
        (10, 40, 90),
    ),
    "edit_distance": (
        """
        def edit_distance(n):
            a, b = ([i * k % 11 for i in range(n)] for k in (3, 4))
            row = list(range(n + 1))
            for i, x in enumerate(a, 1):
                last, row[0] = row[0], i
                for j, y in enumerate(b, 1):
                    last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
            return row[-1]
        """,
        (50, 150, 400),
    ),
    "largest_gap": (
        """
        def largest_gap(n):
            values = np.sort(np.arange(1, n) * 7919 % 104729)
            return int(np.diff(values).max())
        """,
        (100, 10_000, 100_000),
    ),
    "partitions": (
        """
        def partitions(n):
            ways = [1] + [0] * n
            for part in range(1, n + 1):
                for total in range(part, n + 1):
                    ways[total] += ways[total - part]
            return ways[n]
        """,
        (20, 200, 600),
    ),
}
IMPORTS = {
    "numpy, torch, matplotlib": "import matplotlib.pyplot as plt\nimport numpy as np\nimport torch",
    "numpy": "import numpy as np",
}
_STUB = "    # YOUR CODE HERE\n    raise NotImplementedError()\n"


def ids() -> dict[str, str]:
    """Return the id of each exercise, by its function."""
    return {name: f"{NUMBER}.{place}" for place, name in enumerate(EXERCISES, 1)}


def expected() -> tuple[dict[str, list[int]], float]:
    """Return the right answers, and the processor time that computing them all takes [s]."""
    space: dict[str, Any] = {}
    exec("import numpy as np", space)
    start_s = time.process_time()
    answers = {}
    for name, (code, sizes) in EXERCISES.items():
        exec(textwrap.dedent(code), space)
        answers[name] = [space[name](size) for size in sizes]
    return answers, time.process_time() - start_s


def make_course(root: Path, answers: dict[str, list[int]], *, imports: str) -> None:
    """Write the course: settings, lab, checks and the notebook that is handed out."""
    lab = root / "labs" / NAME
    lab.mkdir(parents=True)
    (root / "grading" / "answers" / NAME).mkdir(parents=True)
    (root / "course.toml").write_text(f'title = "Cost"\n\n[labs.{NAME}]\nweight = 1.0\n')
    head = f'number = {NUMBER}\ntitle = "Cost"\nsummary = "Six small exercises."\nminutes = 5\n'
    head += 'hardware = "Any."\ndatasets = []\nextras = []\n\n[presets.smoke]\n\n[results]\n'
    for name, exercise in ids().items():
        head += f'\n[exercises."{exercise}"]\ntitle = "{name}"\npoints = {POINTS}\nkind = "code"\n'
        head += f'tier = "core"\nstudent_minutes = 2\nfunctions = ["{name}"]\n'
    (lab / "lab.toml").write_text(head)
    checks = '"""The checks."""\n\nfrom labs.engine.checks import assert_equal, check\n'
    for name, exercise in ids().items():
        for size, want in zip(EXERCISES[name][1], answers[name], strict=True):
            checks += f'\n\n@check("{exercise}", sentence="It is right for {size}.")\n'
            checks += f"def {name}_{size}(student, rng):\n"
            checks += f'    assert_equal(student.{name}({size}), {want}, what="{name}({size})")\n'
    (lab / "checks.py").write_text(checks)
    (lab / f"{NAME}.ipynb").write_text(json.dumps(notebook(answers, imports=imports)))


def notebook(answers: dict[str, list[int]], *, imports: str) -> dict[str, Any]:
    """Return the notebook with stubs, and with the cells that nbgrader tests with."""
    cells = [_cell("setup", "seed = 0  # not used", {"tags": ["parameters"]})]
    cells.append(_cell("imports", IMPORTS[imports], {}))
    for name, exercise in ids().items():
        grade_id = exercise.replace(".", "-")
        tests = "\n".join(
            f"assert {name}({size}) == {want}"
            for size, want in zip(EXERCISES[name][1], answers[name], strict=True)
        )
        stub = f"# Exercise {exercise}\ndef {name}(n):\n{_STUB}"
        cells.append(_graded(f"answer-{grade_id}", stub, exercise=exercise, is_check=False))
        cells.append(_graded(f"check-{grade_id}", tests, exercise=exercise, is_check=True))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    metadata["course"] = {"lab": NAME, "notebook": "student"}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cell(name: str, source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }


def _graded(name: str, source: str, *, exercise: str, is_check: bool) -> dict[str, Any]:
    theirs = {"schema_version": 3, "grade_id": name, "cell_type": "code", "task": False}
    theirs |= {"grade": is_check, "solution": not is_check, "locked": is_check}
    theirs |= {"points": POINTS} if is_check else {}
    ours = {"exercise": exercise, "role": "check" if is_check else "solution"}
    return _cell(name, source, {"nbgrader": theirs, "course": ours})


def handed_in(blank: dict[str, Any], number: int, *, is_short: bool = False) -> str:
    """Return a submission: every function right, but of every third one exercise wrong.

    Parameters
    ----------
    blank
        The notebook that was handed out.
    number
        Which submission; each has a comment of its own.
    is_short
        Whether only one exercise is answered, for submissions that cost next to nothing.
    """
    work = copy.deepcopy(blank)
    for name, exercise in ids().items():
        if is_short and name != "partitions":
            continue
        (cell,) = (c for c in work["cells"] if c["id"] == f"answer-{exercise.replace('.', '-')}")
        code = textwrap.dedent(EXERCISES[name][0]).strip()
        if number % 3 == 0 and name == "partitions":
            code = "def partitions(n):\n    return n"
        cell["source"] = f"# Exercise {exercise}\n# by student {number}\n{code}\n"
    return json.dumps(work)


def points(number: int) -> int:
    """Return the points of a submission, in both tools."""
    return POINTS * len(EXERCISES) - (POINTS if number % 3 == 0 else 0)
