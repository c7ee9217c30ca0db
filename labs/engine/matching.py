"""Says of every cell that was handed in which cell of ours it is, or that it is the student's own.

A cell with the text of ours is ours, whatever id, type or metadata it carries. A changed cell is
found by the id of a check, else by the cell's id, else by the lines that it shares with ours, else
by the names that it binds, if they are just those of one of ours. Which of the others is the answer
to an exercise is decided in `labs.engine.candidates`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from labs.engine.catalog import Lab
from labs.engine.errors import LabFormatError
from labs.engine.parameters import PARAMETERS_TAG, cell_source, read_notebook
from labs.engine.submitted import Notebook
from labs.engine.syntax import Code, is_attempted, read_code, titled

MAX_SOURCE, MAX_TOTAL = 200_000, 1_000_000  # characters of a cell, and of all that are not ours
LEAST_SHARED_LINES = 2
LEAST_SHARE, LEAST_SHARE_BY_ID = 0.5, 0.3
TEXT_STUB = "YOUR ANSWER HERE"
_GRADE_ID = re.compile(r"(answer|check)-(\d{1,3})-(\d{1,3})")
_ROLES = {"solution": "answer", "text": "answer", "check": "check"}
_HEADING = re.compile(r"^#+ Exercise (\d+\.\d+)\b", re.MULTILINE)
_EXERCISE_LINE = re.compile(
    r"[ \t]*#+[ \t]*exercise[ \t]+\d{1,3}\.\d{1,3}[^\n]{0,200}", re.IGNORECASE
)


@dataclass(frozen=True)
class OurCell:
    """One cell of the notebook that was handed out.

    Parameters
    ----------
    index
        Its position, from 0.
    content
        The cell as the notebook file has it.
    role, exercise
        ``solution``, ``text`` or ``check`` of which exercise; empty for all others.
    part
        The exercise in whose part of the notebook it stands; empty before the first.
    """

    index: int
    content: Mapping[str, Any] = field(repr=False)
    role: str = ""
    exercise: str = ""
    part: str = ""

    @cached_property
    def code(self) -> Code:
        """Its source, as code."""
        return read_code(self.content["source"])

    @property
    def source(self) -> str:
        """Its text."""
        return self.code.source

    @property
    def is_code(self) -> bool:
        """Whether it is a code cell."""
        return bool(self.content["cell_type"] == "code")

    @property
    def has_parameters(self) -> bool:
        """Whether it holds the parameters of the notebook."""
        return PARAMETERS_TAG in self.content["metadata"].get("tags", [])


@dataclass(frozen=True)
class Base:
    """The notebook of a lab as it was handed out, ready to compare submissions with."""

    lab: Lab
    notebook: Notebook = field(repr=False)
    cells: tuple[OurCell, ...] = field(repr=False)

    @cached_property
    def by_text(self) -> dict[str, tuple[OurCell, ...]]:
        """Text, but for white space at its ends -> the cells that have it."""
        found: dict[str, tuple[OurCell, ...]] = {}
        for cell in self.cells:
            found[_squeezed(cell.source)] = (*found.get(_squeezed(cell.source), ()), cell)
        return found

    @cached_property
    def by_line(self) -> dict[str, tuple[int, ...]]:
        """Line -> positions of the cells without a role that hold it."""
        found: dict[str, tuple[int, ...]] = {}
        for cell in self.cells:
            if not cell.role:
                for line in telling_lines(cell.source):
                    found[line] = (*found.get(line, ()), cell.index)
        return found

    @cached_property
    def by_names(self) -> dict[frozenset[str], OurCell]:
        """Names that a code cell without a role binds -> the first such cell."""
        cells = [cell for cell in self.cells if cell.is_code and not cell.role]
        return {frozenset(cell.code.bindings): cell for cell in reversed(cells)}

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that a code cell of ours binds, but for those that exercises ask for."""
        asked = {name for e in self.lab.exercises.values() for name in e.functions}
        bound = {name for cell in self.cells if cell.is_code for name in cell.code.bindings}
        return frozenset(bound - asked)

    def cell(self, exercise: str, *roles: str) -> OurCell | None:
        """Return the cell that plays one of the roles in an exercise."""
        cells = [c for c in self.cells if c.exercise == exercise and c.role in roles]
        return cells[-1] if cells else None


@dataclass(frozen=True)
class Theirs:
    """One cell that was handed in.

    Parameters
    ----------
    index
        Its position, from 0.
    content
        The cell as `labs.engine.submitted.read_submitted` gives it.
    code
        Its source, read as code whatever its type.
    role, exercise
        What its metadata claims: ``answer`` or ``check`` of which exercise; else empty.
    title
        The exercise that its first line names; else None.
    ours
        The cell of ours that it is.
    is_changed
        Whether it is that cell with changes.
    """

    index: int
    content: Mapping[str, Any] = field(repr=False)
    code: Code = field(repr=False)
    role: str = ""
    exercise: str = ""
    title: str | None = None
    ours: OurCell | None = None
    is_changed: bool = False

    @property
    def source(self) -> str:
        """Its text."""
        return self.code.source

    @property
    def is_code(self) -> bool:
        """Whether it is a code cell."""
        return bool(self.content["cell_type"] == "code")

    @property
    def is_own(self) -> bool:
        """Whether it is no cell of ours, as far as its text says."""
        return self.ours is None

    @property
    def place(self) -> str:
        """What a person calls it."""
        return f"cell {self.index + 1}"


def read_base(lab: Lab, notebook: Notebook | None = None) -> Base:
    """Return the notebook of a lab as it was handed out.

    Parameters
    ----------
    lab
        The lab.
    notebook
        Its content; without it, the notebook in the lab's folder.

    Raises
    ------
    LabFormatError
        If somebody has worked in it: submissions can be compared with an untouched one only.
    """
    content = read_notebook(lab.notebook) if notebook is None else notebook
    # A file may hold a source as a list of lines.
    whole = {**content, "cells": [{**c, "source": cell_source(c)} for c in content["cells"]]}
    base = Base(lab, whole, tuple(_our_cells(whole)))
    if touched := [cell for cell in base.cells if _is_touched(cell)]:
        raise LabFormatError(
            f"{lab.notebook} was worked in (its cell {touched[0].index + 1} is not as handed out); "
            f"move it away and restore it, for instance with course build {lab.name}"
        )
    return base


def _our_cells(content: Notebook) -> Iterator[OurCell]:
    part = ""
    for index, cell in enumerate(content["cells"]):
        course = cell["metadata"].get("course", {})
        role, exercise = course.get("role", ""), course.get("exercise", "")
        heading = _HEADING.search(cell["source"]) if cell["cell_type"] == "markdown" else None
        part = exercise or (heading[1] if heading else part)
        yield OurCell(index, cell, role, exercise, part)


def _is_touched(cell: OurCell) -> bool:
    if cell.role == "text":
        return bool(without_stub(cell.source))
    if cell.role == "solution" and is_attempted(cell.code, stub=read_code("")):
        return not any(map(_raises_stub, cell.source.split("\n")))
    return bool(cell.content.get("outputs") or cell.content.get("execution_count"))


def _raises_stub(line: str) -> bool:
    return line.strip() == "raise NotImplementedError()"


def without_stub(text: str) -> str:
    r"""Return a text answer without its heading and the words that stand for an answer.

    Examples
    --------
    >>> without_stub("#### Exercise 0.3\n\nYOUR ANSWER HERE"), without_stub("I ship 8 bits.")
    ('', 'I ship 8 bits.')
    """
    lines = (line for line in text.split("\n") if not _EXERCISE_LINE.fullmatch(line))
    return "\n".join(lines).replace(TEXT_STUB, "").strip()


def telling_lines(source: str) -> list[str]:
    r"""Return the different lines of a cell that say something, in their order.

    Examples
    --------
    >>> telling_lines("x = 1\n)\n    x = 1\n")
    ['x = 1']
    """
    lines = (line.strip() for line in source.split("\n"))
    return list(dict.fromkeys(line for line in lines if len(line) > 3))


def match(base: Base, submitted: Notebook) -> tuple[list[Theirs], list[str]]:
    """Return the cells handed in, each with the cell of ours that it is, and what was left out.

    Parameters
    ----------
    base
        The notebook handed out.
    submitted
        What `labs.engine.submitted.read_submitted` gave. Cells without text are dropped, unless
        they claim to be an answer. Cells that are too long, alone or together, are left out.
    """
    cells = [_read(index, cell) for index, cell in enumerate(submitted["cells"])]
    kept = [c for c in cells if c.source.strip() or c.role]
    seen: Counter[str] = Counter()
    exact = [_exact(cell, base, seen) for cell in kept]
    too_long = _beyond_limits([cell for cell in exact if cell.is_own])
    matched = [
        cell if cell.ours else _changed(cell, base) for cell in exact if cell.index not in too_long
    ]
    return matched, [
        f"{cell.place} was left out: {len(cell.source):,} characters, in all too many"
        for cell in exact
        if cell.index in too_long
    ]


def _beyond_limits(cells: Sequence[Theirs]) -> set[int]:
    """Return the positions of cells that take too long to read; answers come first."""
    found: set[int] = set()
    total = 0
    for cell in sorted(cells, key=lambda each: not (each.role or each.title)):
        size = len(cell.source)
        if size > MAX_SOURCE or total + size > MAX_TOTAL:
            found.add(cell.index)
        else:
            total += size
    return found


def _read(index: int, content: Mapping[str, Any]) -> Theirs:
    role, exercise = _claim(content["metadata"])
    source = content["source"]
    title = titled(source) if len(source) <= MAX_SOURCE else None
    return Theirs(index, content, read_code(source), role, exercise, title)


def _claim(metadata: Mapping[str, Any]) -> tuple[str, str]:
    """Return the role and the exercise that the metadata of a cell claims."""
    grade_id = _GRADE_ID.fullmatch(metadata.get("nbgrader", {}).get("grade_id", ""))
    if grade_id:
        return grade_id[1], f"{int(grade_id[2])}.{int(grade_id[3])}"
    course = metadata.get("course", {})
    role = _ROLES.get(course.get("role", ""), "")
    return (role, course.get("exercise", "")) if role else ("", "")


def _exact(cell: Theirs, base: Base, seen: Counter[str]) -> Theirs:
    """Return the cell with the one of ours that has the same text; the n-th with the n-th."""
    text = _squeezed(cell.source)
    same = base.by_text.get(text, ()) if text else ()
    if not same:
        return cell
    seen[text] += 1
    return replace(cell, ours=same[min(seen[text], len(same)) - 1])


def _changed(cell: Theirs, base: Base) -> Theirs:
    """Return the cell with the one of ours that it is a change of."""
    found = base.cell(cell.exercise, "check") if cell.role == "check" else None
    if not cell.role and not (cell.title and cell.is_code):
        found = _shares_lines(cell, base) or _binds_the_same(cell, base)
    return replace(cell, ours=found, is_changed=True) if found else cell


def _shares_lines(cell: Theirs, base: Base) -> OurCell | None:
    shared = Counter(
        index for line in telling_lines(cell.source) for index in base.by_line.get(line, ())
    )
    by_id = [base.cells[i] for i in shared if base.cells[i].content.get("id") == cell.content["id"]]
    if by_id and _share(by_id[0], shared) >= LEAST_SHARE_BY_ID:
        return by_id[0]
    alike = [base.cells[i] for i, n in shared.items() if n >= LEAST_SHARED_LINES]
    alike = [ours for ours in alike if ours.is_code == cell.is_code]
    best = max(alike, key=lambda ours: (_share(ours, shared), -ours.index), default=None)
    return best if best and _share(best, shared) >= LEAST_SHARE else None


def _binds_the_same(cell: Theirs, base: Base) -> OurCell | None:
    """Return the cell of ours that binds the same names: a guess that is now a number."""
    names = frozenset(cell.code.bindings) if cell.is_code else frozenset()
    return base.by_names.get(names) if names else None


def _share(ours: OurCell, shared: Counter[int]) -> float:
    return shared[ours.index] / len(telling_lines(ours.source))


def _squeezed(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))


def first_places(cells: Iterable[Theirs]) -> dict[int, int]:
    """Return position handed in -> position in ours, for the first of each of our cells."""
    found: dict[int, int] = {}  # ours -> handed in
    for cell in cells:
        if cell.ours:
            found.setdefault(cell.ours.index, cell.index)
    return {theirs: ours for ours, theirs in found.items()}
