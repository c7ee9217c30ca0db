"""A made-up cohort: twelve submissions to the quickstart, as they come in a real course.

``python -m grading.cohort FOLDER`` writes one sub-folder a submission, the same bytes every time:
right, partly right, blank, broken, endless, hungry, torn apart, hostile. Right answers come from
the lab's own source. What each must get stands beside it, worked out by hand from the weights of
the cases, and is what a grader is tested with; nothing here grades.

The hostile code does no harm where there are no walls: it reads, and it changes its own process.
"""

import copy
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils.records import write_atomically
from grading.building.source import Source, read_source
from grading.cohort_answers import (
    ALWAYS_EQUAL,
    FORGED,
    FORGETS_ZERO,
    GERMAN_TEXT,
    GIVES_UP,
    HELPER,
    HOSTILE_TEXT,
    NEVER_ENDS,
    NO_COLON,
    OWN_WAYS,
    PATCHES,
    PULLS_THE_PLUG,
    ROUNDS_DOWN,
    SPIES,
    TAKES_4_GIB,
    TEXT,
)
from grading.course import find_root, read_course
from labs.engine.catalog import Lab, find_lab

LAB = "quickstart"
Points = Mapping[str, float | None]


class Draft:
    """A student's copy of the notebook while they work on it.

    Parameters
    ----------
    notebook
        The notebook as handed out; it is copied.
    source
        Where right answers come from.
    """

    def __init__(self, notebook: Mapping[str, Any], source: Source) -> None:
        self.notebook: dict[str, Any] = copy.deepcopy(dict(notebook))
        self._source = source

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The cells, to be changed."""
        return self.notebook["cells"]  # type: ignore[no-any-return]  # JSON

    def cell(self, exercise: str, role: str) -> dict[str, Any]:
        """Return the first cell that plays a role in an exercise."""
        wanted = {"exercise": exercise, "role": role}
        return next(cell for cell in self.cells if cell["metadata"].get("course") == wanted)

    def solved(self, exercise: str) -> str:
        """Return the right answer."""
        (cell,) = (c for c in self._source.cells if (c.exercise, c.role) == (exercise, "solution"))
        return cell.solved

    def solve(self, *exercises: str) -> None:
        """Answer code exercises right."""
        for exercise in exercises:
            self.answer(exercise, self.solved(exercise))

    def answer(self, exercise: str, code: str) -> None:
        """Answer a code exercise."""
        title = f"# Exercise {exercise}"
        text = code if code.startswith(title) else f"{title}\n{code.strip()}"
        self.cell(exercise, "solution")["source"] = text

    def write(self, exercise: str, text: str) -> None:
        """Answer a text exercise."""
        self.cell(exercise, "text")["source"] = f"#### Exercise {exercise}\n\n{text}"

    def insert(self, place: int, code: str) -> dict[str, Any]:
        """Insert a cell of one's own."""
        number = sum(cell["id"].startswith("own-") for cell in self.cells)
        cell = _code_cell(f"own-{number}", code)
        self.cells.insert(place, cell)
        return cell

    def place(self, cell: Mapping[str, Any]) -> int:
        """Return where a cell is."""
        return next(index for index, each in enumerate(self.cells) if each is cell)

    def remove(self, cell: Mapping[str, Any]) -> None:
        """Delete a cell."""
        del self.cells[self.place(cell)]


@dataclass(frozen=True)
class Member:
    """One submission of the cohort.

    Parameters
    ----------
    id
        Its id.
    about
        What is special about it.
    work
        What the student did to the notebook.
    expected
        Exercise -> points it must get; None for a text that a person marks.
    """

    id: str
    about: str
    work: Callable[[Draft], None]
    expected: Points


def _right(draft: Draft) -> None:
    draft.solve("0.1", "0.2")
    draft.write("0.3", TEXT)
    for exercise in ("0.1", "0.2"):
        _show(draft.cell(exercise, "check"), {"text/plain": "4"})


def _partly(draft: Draft) -> None:
    draft.answer("0.1", ROUNDS_DOWN)
    draft.answer("0.2", FORGETS_ZERO)
    draft.write("0.3", "4 bits, they fit.")


def _with_one(exercise: str, code: str) -> Callable[[Draft], None]:
    """Return the work of somebody who has one answer of their own and the other right."""

    def work(draft: Draft) -> None:
        draft.solve("0.1", "0.2")
        draft.answer(exercise, code)

    return work


def _deleted(draft: Draft) -> None:
    """Lose one answer, retype the other in a cell without any mark, tidy up the rest."""
    retyped = draft.solved("0.2").split("\n", 1)[1]
    draft.insert(draft.place(draft.cell("0.2", "solution")), retyped)
    for exercise in ("0.1", "0.2"):
        draft.remove(draft.cell(exercise, "solution"))
        draft.remove(draft.cell(exercise, "check"))
    draft.remove(draft.cell("0.3", "text"))
    draft.remove(next(cell for cell in draft.cells if "import numpy" in cell["source"]))


def _copied(draft: Draft) -> None:
    """Keep an older, wrong try in a copy above the right one, and check twice."""
    draft.solve("0.1", "0.2")
    draft.write("0.3", TEXT)
    answer, check = draft.cell("0.1", "solution"), draft.cell("0.1", "check")
    draft.cells.insert(draft.place(check), copy.deepcopy(check))
    older = {**copy.deepcopy(answer), "source": f"# Exercise 0.1\n{ROUNDS_DOWN}"}
    draft.cells.insert(draft.place(answer), older)


def _hostile(draft: Draft) -> None:
    """Attack on every front: patches, objects, files, frames, outputs, metadata."""
    draft.insert(0, PATCHES.replace("import ast", "import numpy as np\nimport ast"))
    draft.answer("0.1", ALWAYS_EQUAL)
    draft.answer("0.2", SPIES)
    draft.write("0.3", HOSTILE_TEXT)
    for exercise in ("0.1", "0.2"):
        check = draft.cell(exercise, "check")
        check["source"] = "100.0"
        check["metadata"]["nbgrader"]["points"] = 1000
        check["metadata"]["course"]["role"] = "solution"
        _show(check, FORGED)
    kernel = {"argv": ["sh", "-c", "exit 1"], "display_name": "<b>mine</b>", "name": "mine"}
    draft.notebook["metadata"] |= {"kernelspec": kernel, "widgets": {"x": "<script>"}}


def _own_ways(draft: Draft) -> None:
    """Work in one's own way: helpers, prints, warnings, umlauts, a cell that fails."""
    draft.solve("0.2")
    draft.answer("0.1", OWN_WAYS)
    draft.write("0.3", GERMAN_TEXT)
    place = draft.place(draft.cell("0.1", "solution"))
    draft.insert(place, "1 / 0  # warum geht das nicht?")
    draft.insert(place, HELPER.strip())


def _nothing(draft: Draft) -> None:
    pass


# Weights in 0.1: three open cases of 1; hidden: strides 2, other kernels 1, not square 1; sum 7.
# Weights in 0.2: two open cases of 1, four hidden cases of 1; sum 6. Each gives 4 points.
MEMBERS = (
    Member("c01-right", "all right", _right, {"0.1": 4, "0.2": 4, "0.3": None}),
    Member(
        "c02-partly-right",
        "rounds strides down, forgets that all weights may be 0",
        _partly,
        {"0.1": 2.29, "0.2": 3.33, "0.3": None},  # 4 * 4/7: strides fail; 4 * 5/6: zeros fail
    ),
    Member("c03-blank", "nothing done", _nothing, {"0.1": 0, "0.2": 0, "0.3": 0}),
    Member(
        "c04-syntax-error",
        "a missing colon in 0.2",
        _with_one("0.2", NO_COLON),
        {"0.1": 4, "0.2": 0, "0.3": 0},
    ),
    Member(
        "c05-endless-loop",
        "0.1 never ends where the stride does not divide the size",
        _with_one("0.1", NEVER_ENDS),
        {"0.1": 2.29, "0.2": 4, "0.3": 0},  # 4 * 4/7: strides, open and hidden
    ),
    Member(
        "c06-sys-exit",
        "0.2 calls sys.exit for weights that are all 0",
        _with_one("0.2", GIVES_UP),
        {"0.1": 4, "0.2": 3.33, "0.3": 0},  # 4 * 5/6: zeros
    ),
    Member(
        "c07-os-exit",
        "0.1 calls os._exit for any stride",
        _with_one("0.1", PULLS_THE_PLUG),
        {"0.1": 2.29, "0.2": 4, "0.3": 0},  # 4 * 4/7: the open stride of 1, the hidden ones of 2
    ),
    Member(
        "c08-4-gib",
        "0.2 takes 4 GiB for weights of several dimensions",
        _with_one("0.2", TAKES_4_GIB),
        {"0.1": 4, "0.2": 2, "0.3": 0},  # 4 * 3/6: nearest, open and hidden; zeros are 2-D as well
    ),
    Member(
        "c09-deleted-cells",
        "0.1, 0.3 and the checks deleted, 0.2 retyped into a plain cell",
        _deleted,
        {"0.1": 0, "0.2": 4, "0.3": 0},
    ),
    Member(
        "c10-copied-cells",
        "an older, wrong copy of 0.1 above the right one, with the same id, and a check twice",
        _copied,
        {"0.1": 4, "0.2": 4, "0.3": None},
    ),
    Member(
        "c11-hostile",
        "patches, objects equal to everything, spies, forged outputs and metadata",
        _hostile,
        {"0.1": 0, "0.2": 3.33, "0.3": None},  # 4 * 5/6: honest but for zeros, where it spies
    ),
    Member(
        "c12-own-ways",
        "helpers, prints, warnings and umlauts, and a cell that fails",
        _own_ways,
        {"0.1": 4, "0.2": 4, "0.3": None},
    ),
)


def make_cohort(lab: Lab, folder: str | Path) -> dict[str, Points]:
    """Write the cohort, and return what each submission must get.

    Parameters
    ----------
    lab
        The quickstart; its course holds the answers.
    folder
        Where to write: one sub-folder a submission, each with a notebook.

    Returns
    -------
    dict
        Id -> exercise -> points, None for a text that a person marks.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    source = read_source(read_course(find_root(lab.folder)).source(lab))
    handout = json.loads(lab.notebook.read_text(encoding="utf-8"))
    for cell in handout["cells"]:
        cell["source"] = "".join(cell["source"])
    for member in MEMBERS:
        draft = Draft(handout, source)
        member.work(draft)
        target = Path(folder) / member.id
        target.mkdir(parents=True, exist_ok=True)
        write_atomically(target / lab.notebook.name, _to_text(draft.notebook))
    return {member.id: dict(member.expected) for member in MEMBERS}


def _to_text(notebook: Mapping[str, Any]) -> str:
    # Not by nbformat: it would mend what students broke.
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _code_cell(name: str, code: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": code,
    }


def _show(cell: dict[str, Any], data: Mapping[str, str]) -> None:
    shown = {"output_type": "execute_result", "execution_count": 1, "data": dict(data)}
    cell |= {"execution_count": 1, "outputs": [{**shown, "metadata": {}}]}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m grading.cohort FOLDER\n")
        sys.exit(2)
    make_cohort(find_lab(LAB), sys.argv[1])
