"""Puts our cells, the answers and the student's own cells into one order.

Of this order come the notebook, which a person or papermill can run, and the pieces that are run
when grading. Both hold our cells as they were handed out. Nothing is executed here.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labs.engine.candidates import Candidate, Choice, additions
from labs.engine.matching import Base, OurCell, Theirs, first_places
from labs.engine.pieces import CHECK, PARAMETER, SETUP, Piece, setup_statements
from labs.engine.submitted import Notebook
from labs.engine.syntax import Code, is_attempted, read_code, without_ours

MAX_EXTRAS, MAX_EXTRA_CODE = 200, 500_000  # cells; characters
MAX_ANSWER = 100_000  # characters
Place = tuple[int, int, int]  # our cell; before (< 0), at (0) or behind it; position handed in


@dataclass(frozen=True, order=True)
class Placed:
    """One cell of the rebuilt notebook; they sort in the order of the notebook.

    Parameters
    ----------
    place
        Where it stands.
    ours
        The cell of ours that stands there; None for one of the student's own.
    code
        The student's code or text, in place of ours if there is one.
    exercise
        The exercise that the cell answers.
    label
        What a person calls the code.
    """

    place: Place
    ours: OurCell | None = field(default=None, compare=False)
    code: Code | None = field(default=None, compare=False)
    exercise: str | None = field(default=None, compare=False)
    label: str = field(default="", compare=False)


def place_all(
    base: Base, cells: Sequence[Theirs], *, choices: Mapping[str, Choice]
) -> tuple[list[Placed], int]:
    """Return the cells of the rebuilt notebook in order, and how many were left out of it.

    Parameters
    ----------
    base
        The notebook handed out.
    cells
        The cells handed in.
    choices
        Exercise -> what answers it.
    """
    placed = [Placed((o.index, 0, 0), o) for o in base.cells if o.role not in ("solution", "text")]
    for choice in choices.values():
        placed += _of_answer(choice, base)
    extras = [each for each in _extras(base, cells, choices) if _has_code(each)]
    kept = _within_limits(extras)
    return sorted([*placed, *kept]), len(extras) - len(kept)


def _has_code(placed: Placed) -> bool:
    return placed.code is not None and bool(placed.code.body.strip())


def _extras(base: Base, cells: Sequence[Theirs], choices: Mapping[str, Choice]) -> Iterator[Placed]:
    """Yield the student's own code cells, and what they added to ours."""
    taken = {each.cell.index for choice in choices.values() for each in choice.all}
    places = _places(base, cells, choices)
    for cell in cells:
        if cell.ours and cell.is_changed and cell.ours.role != "check":
            place = (cell.ours.index, 1, cell.index)
            label = f"what you added to our {_where(base, place)}"
            yield Placed(place, None, additions(cell, base), None, label)
        elif cell.is_own and cell.is_code and cell.index not in taken and _is_worth(cell, base):
            place = places[cell.index]
            yield Placed(place, None, cell.code, None, f"your own {_where(base, place)}")


def _is_worth(cell: Theirs, base: Base) -> bool:
    """Whether a cell that was not chosen may run: a second stub would undo the answer."""
    ours = base.cell(cell.exercise or cell.title or "", "solution")
    return ours is None or is_attempted(cell.code, stub=ours.code)


def _within_limits(extras: Sequence[Placed]) -> list[Placed]:
    kept: list[Placed] = []
    size = 0
    for each in extras[:MAX_EXTRAS]:
        size += len(each.code.source) if each.code else 0
        if size <= MAX_EXTRA_CODE:
            kept.append(each)
    return kept


def part_of(base: Base, place: Place) -> str:
    """Return the exercise in whose part of the notebook a place is; empty before the first."""
    return base.cells[max(place[0], 0)].part


def _where(base: Base, place: Place) -> str:
    part = part_of(base, place)
    return f"cell in the part of exercise {part}" if part else "cell before the first exercise"


def _places(base: Base, cells: Sequence[Theirs], choices: Mapping[str, Choice]) -> dict[int, Place]:
    """Return position handed in -> place.

    A cell stands behind the last cell of ours before it. Where an answer further down was moved,
    it stands before the place of that answer: what ran before the answer still does.
    """
    anchors = first_places(cells)
    moved: dict[int, int] = {}
    for choice in choices.values():
        ours = base.cell(choice.exercise.id, "solution", "text")
        if choice.chosen and ours:
            at = choice.chosen.cell.index
            anchors[at] = min(ours.index, moved.get(at, ours.index))
            if ours.is_code:
                moved[at] = anchors[at]
    limits: dict[int, int] = {}
    limit = len(base.cells)
    for cell in reversed(cells):
        limits[cell.index] = limit
        limit = min(limit, moved.get(cell.index, limit))
    places: dict[int, Place] = {}
    anchor = -1
    for cell in cells:
        limit = limits[cell.index]
        is_pulled = limit <= anchor
        places[cell.index] = (limit if is_pulled else anchor, -2 if is_pulled else 2, cell.index)
        anchor = anchors.get(cell.index, anchor)
    return places


def _of_answer(choice: Choice, base: Base) -> Iterator[Placed]:
    """Yield the cells of one answer at its place: ours if the student's holds no more."""
    name = choice.exercise.id
    ours = base.cell(name, "solution", "text")
    if ours is None:
        return
    if choice.chosen is None or not choice.is_attempted:
        yield Placed((ours.index, 0, 0), ours, None, name if choice.chosen else None)
        return
    if choice.exercise.kind == "text":
        yield Placed((ours.index, 0, 0), ours, read_code(answer_text(choice)), name)
        return
    label = f"your answer to exercise {name}"
    for slot, group in ((-1, choice.before), (0, (choice.chosen,)), (1, choice.after)):
        for each in group:
            if each.code.is_written_to_file:
                place = (ours.index, -1, each.cell.index)
                yield Placed(place, None, each.code, None, label)
            is_main = slot == 0
            place = (ours.index, slot, 0 if is_main else each.cell.index)
            yield Placed(place, ours if is_main else None, _runnable(each), name, label)


def _runnable(candidate: Candidate) -> Code:
    """Return the code of an answer without cell magics, under which it might not define a name."""
    code = candidate.code
    return Code(code.body, code.body) if code.tree else code


def answer_text(choice: Choice) -> str:
    """Return what the student wrote for an exercise, of at most ``MAX_ANSWER`` characters."""
    texts = (each.code.source.strip("\n") for each in choice.all)
    text = "\n\n".join(text for text in texts if text)
    return text if len(text) <= MAX_ANSWER else f"{text[:MAX_ANSWER]} ..."


def to_pieces(placed: Sequence[Placed]) -> Iterator[Piece]:
    """Yield what is run when grading, in the order of the notebook.

    Parameters
    ----------
    placed
        The cells of the rebuilt notebook.
    """
    for each in placed:
        if each.ours is None:
            if each.code and (code := _as_run(each.code)).strip():
                yield Piece("extra", code, None, each.label)
        elif not each.ours.is_code:
            continue
        elif each.code:
            yield Piece("solution", _as_run(each.code), each.exercise, each.label)
        else:
            yield from _of_ours(each.ours, each.exercise)


def _as_run(code: Code) -> str:
    return code.source if code.is_written_to_file else without_ours(code)


def _of_ours(ours: OurCell, exercise: str | None) -> Iterator[Piece]:
    if ours.role == "check":
        yield Piece("given", "", ours.exercise, CHECK)
    elif ours.role == "solution" and exercise:
        yield Piece("solution", ours.source, exercise, "the untouched stub")
    elif not ours.role and ours.code.tree:
        label = PARAMETER if ours.has_parameters else SETUP
        for statement in setup_statements(ours.code.tree):
            yield Piece("given", statement, None, label)


def to_notebook(base: Base, placed: Sequence[Placed]) -> Notebook:
    """Return the rebuilt notebook: our metadata, ids and kernel, and no outputs.

    Parameters
    ----------
    base
        The notebook handed out.
    placed
        The cells of the rebuilt notebook.
    """
    cells: list[dict[str, Any]] = []
    for number, each in enumerate(placed):
        if each.ours:
            cell = copy.deepcopy(dict(each.ours.content))
            cell["source"] = each.code.source if each.code else cell["source"]
        else:
            source = each.code.source if each.code else ""
            cell = {"cell_type": "code", "id": f"own-{number:03d}", "source": source}
            cell["metadata"] = {"course": {"role": "own"}}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)
    frame = {key: copy.deepcopy(v) for key, v in base.notebook.items() if key != "cells"}
    return {**frame, "cells": cells}
