"""Chooses which cells of a submission answer an exercise.

A cell may be the answer by its id, by its first line, or by the functions that it defines. Of
several, one that defines the functions counts before one that was only begun, and that before a
stub; among equals the way it was found decides, and then the place: the last one before the
exercise's check is what a notebook run from top to bottom checks. Nothing is executed.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from labs.engine.catalog import Exercise
from labs.engine.matching import Base, Theirs, without_stub
from labs.engine.pieces import statements
from labs.engine.shown import has_unseen, one_line
from labs.engine.syntax import Code, is_attempted, is_ours, read_code, without_ours, written

How = Literal["by its id", "by its first line", "by its functions", "not found"]
_WAYS: tuple[How, ...] = ("by its functions", "by its first line", "by its id")  # the last is best
STUB, BEGUN, RETYPED, WRITTEN = range(4)


@dataclass(frozen=True)
class Candidate:
    """A cell that may answer an exercise.

    Parameters
    ----------
    cell
        The cell.
    how
        The way it was found.
    code
        The part of the cell that may be the answer.
    written
        The exercise's functions that it defines.
    rank
        How much of an answer it is: ``STUB``, ``BEGUN``, ``RETYPED`` (code in a cell that is no
        code cell) or ``WRITTEN``.
    """

    cell: Theirs
    how: How
    code: Code
    written: frozenset[str]
    rank: int


@dataclass(frozen=True)
class Choice:
    """What was chosen for one exercise.

    Parameters
    ----------
    exercise
        The exercise.
    chosen
        The answer; None if there is none.
    before, after
        Further cells that hold a part of it, to be run before and after it.
    notes
        What a person should know.
    """

    exercise: Exercise
    chosen: Candidate | None = None
    before: tuple[Candidate, ...] = ()
    after: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Candidate, ...]:
        """Every cell of the answer, in the order in which they run; of a text, are read."""
        return (*self.before, *([self.chosen] if self.chosen else []), *self.after)

    @property
    def is_attempted(self) -> bool:
        """Whether there is more than a stub."""
        return any(each.rank > STUB for each in self.all)


def choose(exercise: Exercise, base: Base, *, cells: Sequence[Theirs]) -> Choice:
    """Return the answer to an exercise among the cells handed in.

    Parameters
    ----------
    exercise
        The exercise, of either kind.
    base
        The notebook handed out.
    cells
        What `labs.engine.matching.match` gave.
    """
    if exercise.kind == "text":
        return _choose_text(exercise, base, cells)
    found = [c for cell in cells if (c := _code_candidate(cell, exercise, base))]
    if not found:
        return Choice(exercise)
    checks = [cell.index for cell in cells if _is_check(cell, exercise)]
    chosen = _in_force(found, check=max(checks, default=len(cells) + cells[-1].index))
    before, after = _parts(found, chosen)
    notes = tuple(_code_notes(exercise, chosen, [*before, *after], found=found))
    return Choice(exercise, chosen, before, after, notes)


def _is_check(cell: Theirs, exercise: Exercise) -> bool:
    return cell.ours is not None and (cell.ours.role, cell.ours.exercise) == ("check", exercise.id)


def _way(cell: Theirs, exercise: Exercise) -> How | None:
    if (cell.role, cell.exercise) == ("answer", exercise.id):
        return "by its id"
    return "by its first line" if cell.title == exercise.id else None


def _code_candidate(cell: Theirs, exercise: Exercise, base: Base) -> Candidate | None:
    """Return the cell as a candidate, if it is one."""
    handed_out = base.cell(exercise.id, "solution")
    stub = handed_out.code if handed_out else read_code("")
    if cell.ours and not cell.is_changed:
        if cell.ours is not handed_out:
            return None
        return Candidate(cell, _way(cell, exercise) or "by its functions", stub, frozenset(), STUB)
    way = None if cell.ours else _way(cell, exercise)
    code = additions(cell, base) if cell.ours else cell.code
    names = written(code, exercise.functions, stub=stub)
    if not cell.is_code:
        if way and names:
            return Candidate(cell, way, code, names, RETYPED)
        return Candidate(cell, way, stub, names, STUB) if way == "by its id" else None
    if names:
        return Candidate(cell, way or "by its functions", code, names, WRITTEN)
    rank = BEGUN if is_attempted(code, stub=stub) else STUB
    return Candidate(cell, way, code, names, rank) if way else None


def additions(cell: Theirs, base: Base) -> Code:
    """Return what a student added to a cell of ours: statements that only bind new names.

    Parameters
    ----------
    cell
        A changed cell of ours.
    base
        The notebook handed out. What it binds stays as it is, whatever the student made of it.
    """
    if cell.ours is None or not cell.is_code or cell.code.tree is None:
        return read_code("")
    if cell.ours.role == "check":
        return read_code(without_ours(cell.code))
    kept = [
        text
        for node in cell.code.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
        or (isinstance(node, ast.Assign | ast.AnnAssign) and not is_ours(node.value))
        for text in statements(node)
    ]
    codes = [read_code(text) for text in kept]
    # An assignment to `x.y` or `x[0]` binds nothing: it changes what may be ours.
    new = [code.body for code in codes if code.bindings and not base.names & code.bindings.keys()]
    return read_code("\n".join(new))


def _in_force(found: Sequence[Candidate], *, check: int) -> Candidate:
    """Return the candidate that the check of a notebook run from top to bottom would see."""

    def worth(each: Candidate) -> tuple[int, int, int]:
        by_functions = each.how == "by its functions"
        return each.rank, _WAYS.index(each.how), len(each.written) if by_functions else 0

    best = max(map(worth, found))
    equal = [each for each in found if worth(each) == best]
    before = [each for each in equal if each.cell.index < check]
    return (before or equal)[-1]


def _parts(
    found: Sequence[Candidate], chosen: Candidate
) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """Return the further cells that define what the chosen one does not."""
    have = set(chosen.written)
    before: list[Candidate] = []
    after: list[Candidate] = []
    for each in found:
        is_part = each is not chosen and each.rank >= RETYPED and each.cell.is_own
        if not is_part or each.written <= have:
            continue
        have |= each.written
        # A stub in the chosen cell would take its place again.
        is_safe = each.written.isdisjoint(chosen.code.bindings)
        (before if each.cell.index < chosen.cell.index and is_safe else after).append(each)
    return tuple(before), tuple(after)


def _code_notes(
    exercise: Exercise,
    chosen: Candidate,
    parts: Sequence[Candidate],
    *,
    found: Sequence[Candidate],
) -> Iterator[str]:
    taken = [chosen, *parts]
    rivals = [c for c in found if c.rank >= chosen.rank > STUB and c not in taken]
    if rivals:
        others = ", ".join(each.cell.place for each in rivals[:5])
        yield f"{others} could be the answer, too; taken was {chosen.cell.place}"
    if parts:
        yield f"the answer is spread over {', '.join(each.cell.place for each in taken[:5])}"
    if chosen.rank == STUB:
        return
    if missing := set(exercise.functions) - {name for each in taken for name in each.written}:
        yield f"no cell defines {', '.join(sorted(missing))}"
    for each in taken:
        if not each.cell.is_code:
            yield f"{each.cell.place} is no code cell; it was taken as one"
        if each.cell.ours:
            yield f"the answer stands in a cell of ours, {each.cell.place}"
        if each.code.tree is None:
            yield f"{each.cell.place} is not valid Python"
        if each.code.is_written_to_file:
            yield f"{each.cell.place} only writes its code into a file; it is run as well"
        if has_unseen(each.code.source):
            yield f"{each.cell.place} holds characters that cannot be seen"


def _choose_text(exercise: Exercise, base: Base, cells: Sequence[Theirs]) -> Choice:
    found = [c for cell in cells if (c := _text_candidate(cell, exercise, base))]
    if not found:
        return Choice(exercise)

    def worth(each: Candidate) -> tuple[int, int, int]:
        return each.rank, _WAYS.index(each.how), each.cell.index

    chosen = max(found, key=worth)
    after = tuple(_continued(chosen, cells))
    if not chosen.rank and after:
        chosen = replace(chosen, code=read_code(""))
    notes = []
    if rivals := [c for c in found if c is not chosen and c.rank > STUB]:
        others = ", ".join(each.cell.place for each in rivals[:5])
        texts = "; ".join(one_line(each.code.source, limit=500) for each in rivals[:5])
        notes.append(f"{others} could be the answer, too; taken was {chosen.cell.place}: {texts}")
    if chosen.cell.ours and chosen.cell.is_changed:
        notes.append("the answer stands in the cell that sets the exercise")
    if after:
        notes.append(f"the text goes on in {', '.join(each.cell.place for each in after[:5])}")
    if any(has_unseen(each.code.source) for each in (chosen, *after)):
        notes.append("the text holds characters that cannot be seen")
    return Choice(exercise, chosen, (), after, tuple(notes))


def _text_candidate(cell: Theirs, exercise: Exercise, base: Base) -> Candidate | None:
    handed_out = base.cell(exercise.id, "text")
    if cell.ours and cell.ours is not handed_out:
        is_before = handed_out is None or cell.ours.index < handed_out.index
        return _added_text(cell, exercise) if is_before else None
    way = _way(cell, exercise) or ("by its first line" if cell.ours else None)
    if way is None:
        return None
    rank = WRITTEN if without_stub(cell.source) else STUB
    return Candidate(cell, way, cell.code, frozenset(), rank)


def _added_text(cell: Theirs, exercise: Exercise) -> Candidate | None:
    """Return what a student wrote into the cell that sets an exercise."""
    ours = cell.ours
    if ours is None or not cell.is_changed or ours.is_code or ours.part != exercise.id:
        return None
    given = {line.strip() for line in ours.source.split("\n")}
    lines = [line for line in cell.source.split("\n") if line.strip() not in given]
    if not (text := "\n".join(lines).strip()):
        return None
    return Candidate(cell, "by its first line", read_code(text), frozenset(), BEGUN)


def _continued(chosen: Candidate, cells: Sequence[Theirs]) -> Iterator[Candidate]:
    """Yield the student's own texts that stand directly below an answer."""
    at = next(n for n, cell in enumerate(cells) if cell is chosen.cell)
    for cell in cells[at + 1 :]:
        is_next = cell.is_own and not cell.is_code and not cell.role and cell.title is None
        if not is_next:
            return
        yield Candidate(cell, chosen.how, cell.code, frozenset(), WRITTEN)
