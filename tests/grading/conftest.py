"""A whole small course in a temporary folder: one toy lab with code, text, checks and variants."""

import json
from pathlib import Path
from typing import Any

import pytest

from grading.building import build
from grading.course import Course, read_course

COURSE = """\
title = "A course for tests"

[labs.toy]
weight = 1.0
"""

LAB = """\
number = 9
title = "Toy: adding up"
summary = "Adds up."
minutes = 5
hardware = "Any."
datasets = []
extras = []

[presets.smoke]
scale = 1.0

[results]

[exercises."9.1"]
title = "Clipped sum"
points = 4
kind = "code"
tier = "core"
student_minutes = 2
functions = ["clipped_sum"]

[exercises."9.2"]
title = "Why clip"
points = 2
kind = "text"
tier = "core"
student_minutes = 2
"""

SOURCE = '''\
# %% [markdown]
# # Toy: adding up
#
# A lab for tests with one exercise in code and one in words. It takes no time at all, and it
# measures nothing.

# %% tags=["parameters"]
seed = 0  # start of the random numbers
scale = 2.5  # factor, no unit

# %%
import math

from labs.engine.notebook import show_check

LIMIT = 3

# %% [markdown]
# ### Exercise 9.1: clipped sum (4 points, 2 minutes)
#
# Write `clipped_sum(values, limit)`, which adds up numbers. Values above the limit count
# as the limit. An empty list gives 0.

# %%
# Exercise 9.1
def clipped_sum(values, limit):
    """Return the sum of the values, none of them counted above the limit."""
    ### BEGIN SOLUTION
    total = 0
    for value in values:
        if value > limit:
            value = limit
        total += value
    return total
    ### END SOLUTION

# %%
show_check("9.1")

# %% [markdown]
# Now the real thing: three values and a limit, where the result can be followed by hand without
# any paper.

# %%
clipped = [min(value, LIMIT) for value in (1, 5, 2)]
print(math.fsum(clipped) * scale)

# %% [markdown]
# ## 2. Decide
#
# ### Exercise 9.2: why clip? (2 points, 2 minutes)
#
# Say in two sentences why one would clip values before adding them up, and what gets lost.

# %% [markdown]
# #### Exercise 9.2
#
# ### BEGIN SOLUTION
# One outlier would decide the sum. Its true size gets lost.
# ### END SOLUTION
'''

CHECKS = '''\
"""The open checks."""

from labs.engine.checks import assert_equal, check


@check("9.1", sentence="Values above the limit count as the limit.")
def clips(student, rng):
    assert_equal(student.clipped_sum([1, 5, 2], 3), 6, what="the clipped sum of 1, 5, 2")
    assert_equal(student.clipped_sum([1, 2], 3), 3, what="the sum of 1, 2")


@check("9.1", sentence="Any numbers, drawn.")
def drawn(student, rng):
    values = rng.integers(0, 10, 6).tolist()
    want = sum(min(value, 4) for value in values)
    assert_equal(student.clipped_sum(values, 4), want, what=f"the clipped sum of {values}")
'''

HIDDEN = '''\
"""The hidden checks."""

from labs.engine.checks import assert_equal, check


@check("9.1", sentence="An empty list gives 0.")
def empty(student, rng):
    assert_equal(student.clipped_sum([], 3), 0, what="the sum of nothing")


@check("9.1", sentence="Values above the limit count as the limit.")
def all_above(student, rng):
    assert_equal(student.clipped_sum([8, 9], 3), 6, what="the clipped sum of 8, 9")
'''

VARIANTS = {
    "correct_min": (
        "def clipped_sum(values, limit):\n    return sum(min(v, limit) for v in values)\n"
    ),
    "correct_math": (
        "def clipped_sum(values, limit):\n"
        "    return math.fsum(v if v < limit else limit for v in values)\n"
    ),
    "correct_recursive": (
        "def clipped_sum(values, limit):\n"
        "    if not values:\n        return 0\n"
        "    return min(values[0], limit) + clipped_sum(values[1:], limit)\n"
    ),
    "mistake_no_clip": (
        "# message: the clipped sum of 1, 5, 2: expected 6, you have 8\n"
        "def clipped_sum(values, limit):\n    return sum(values)\n"
    ),
    "mistake_max": (
        "# message: the clipped sum of\n"
        "def clipped_sum(values, limit):\n    return sum(max(v, limit) for v in values)\n"
    ),
    "mistake_drops": (
        "# message: the clipped sum of 8, 9\n"
        "def clipped_sum(values, limit):\n    return sum(v for v in values if v <= limit)\n"
    ),
    "mistake_first": (
        "# message: IndexError\n"
        "def clipped_sum(values, limit):\n"
        "    return values[0] and sum(min(v, limit) for v in values)\n"
    ),
    "mistake_prints": (
        "# message: expected 6\n"
        "def clipped_sum(values, limit):\n    print(sum(min(v, limit) for v in values))\n"
    ),
}

EQUIVALENT = """\
["9.1"]
"if value > limit: => if value >= limit:" = "a value at the limit is the limit"
"""


class Toy:
    """The toy course on disk, with the few things that tests do to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "labs" / "toy"
        self.answers = root / "grading" / "answers" / "toy"
        self.source = self.answers / "source.py"
        self.reference = self.answers / "reference.ipynb"
        self.student = self.folder / "toy.ipynb"

    def run(self, notebook: Path, **options: Any) -> dict[str, Any]:
        """Stand in for `labs.engine.runner.run`."""
        return fake_run(notebook, **options)

    @property
    def course(self) -> Course:
        return read_course(self.root)

    def built(self) -> build.Built:
        return build.build(self.course, self.course.lab("toy"))

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} is not in {path}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def executed(self) -> build.Built:
        """Build both notebooks and store outputs, as after an execution."""
        built = self.built()
        build.write(built)
        build.execute(built, fake_run)
        return built


def fake_run(notebook: Path, **options: Any) -> dict[str, Any]:
    """Do to a notebook what an execution does, and leave papermill's traces, without a kernel."""
    content = json.loads(Path(notebook).read_text(encoding="utf-8"))
    content["metadata"]["papermill"] = {"start_time": "2026-01-01T00:00:00"}
    content["metadata"]["language_info"] = {"name": "python", "version": "3.11.7"}
    injected = {
        "cell_type": "code",
        "execution_count": 2,
        "id": "injected",
        "metadata": {"tags": ["injected-parameters"]},
        "outputs": [],
        "source": "seed = 1\n",
    }
    content["cells"].insert(2, injected)
    count = 0
    for cell in content["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        cell["execution_count"] = count
        cell["metadata"]["papermill"] = {"duration": 0.1}
        if cell["metadata"].get("course", {}).get("role") == "check":
            data = {"text/plain": "4", "text/html": f"<p>in {notebook}</p>"}
            shown = {"output_type": "execute_result", "execution_count": count}
            cell["outputs"] = [{**shown, "data": data, "metadata": {"time": 1}}]
        elif "print" in cell["source"]:
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "15.0\n"}]
    Path(options["output"]).write_text(json.dumps(content), encoding="utf-8")
    return {"status": "ok"}


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """A whole toy course whose every gate is green but for the execution."""
    made = Toy(tmp_path / "course")
    files = {
        made.root / "course.toml": COURSE,
        made.folder / "lab.toml": LAB,
        made.folder / "checks.py": CHECKS,
        made.source: SOURCE,
        made.answers / "hidden.py": HIDDEN,
        made.answers / "variants" / "equivalent.toml": EQUIVALENT,
    }
    for name, code in VARIANTS.items():
        files[made.answers / "variants" / "9.1" / f"{name}.py"] = code
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return made
