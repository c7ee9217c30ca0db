"""Puts what a student handed in back into our own notebook.

The notebook that is graded is always ours: from a submission come only the answers, found by the
cell's id, else by its first line, else by the functions it defines, and the student's own extra
code cells at their place. Whatever else was done to the file (cells copied, deleted, retyped,
reordered, re-tagged, checks edited, a foreign kernel, strange metadata) has no effect. What could
not be matched is listed for a person. Nothing is executed here.

Reading the file is done in `labs.engine.submitted`, telling cells apart in `labs.engine.matching`,
choosing answers in `labs.engine.candidates`, outputs in `labs.engine.shown`, and which code runs
for one exercise in `labs.engine.pieces`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from labs.engine.candidates import Choice, How, choose
from labs.engine.catalog import Lab
from labs.engine.errors import SubmissionError
from labs.engine.matching import Base, Theirs, match, read_base, without_stub
from labs.engine.pieces import Piece, pieces_for
from labs.engine.placing import answer_text, part_of, place_all, to_notebook, to_pieces
from labs.engine.shown import (
    MAX_PICTURES,
    Output,
    Shown,
    attached,
    one_line,
    show,
    without_pictures,
)
from labs.engine.submitted import Notebook, read_submitted

__all__ = [
    "Answer",
    "Base",
    "How",
    "Notebook",
    "Piece",
    "Rebuilt",
    "Shown",
    "pieces_for",
    "read_base",
    "read_submitted",
    "rebuild",
]
MAX_UNMATCHED = 50
MAX_SHOWN, MAX_SHOWN_PICTURES = 200_000, 12  # of a submission: characters, pictures


@dataclass(frozen=True)
class Answer:
    """What a submission holds for one exercise.

    Parameters
    ----------
    exercise
        Its id.
    how
        How it was found.
    is_attempted
        Whether there is more than the stub.
    text
        The student's code or text, as written; empty if not found.
    shown
        What the student's own run showed under the answer and its check: as submitted, not
        verified.
    notes
        What a person should know, such as two cells that claim to be the answer.
    """

    exercise: str
    how: How
    is_attempted: bool
    text: str
    shown: tuple[Shown, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rebuilt:
    """A submission put back into our own notebook.

    Parameters
    ----------
    notebook
        Our notebook with the student's answers and extra cells, no outputs, no foreign metadata.
    pieces
        What to run when grading, in the order of the notebook; a check's place is a piece of kind
        ``given`` with no code and its exercise set (see `pieces_for`).
    answers
        Exercise -> what was found.
    unmatched
        Short texts for a person: cells that look like answers and could not be placed.
    """

    notebook: Notebook
    pieces: tuple[Piece, ...]
    answers: Mapping[str, Answer]
    unmatched: tuple[str, ...] = ()


def rebuild(lab: Lab, submitted: Notebook, *, base: Base | None = None) -> Rebuilt:
    """Return a submission put back into our own notebook.

    Parameters
    ----------
    lab
        The lab that it is handed in for.
    submitted
        What `read_submitted` gave.
    base
        The notebook handed out, if it was read already; else the one in the lab's folder is read.

    Raises
    ------
    SubmissionError
        If it is the notebook of another lab.
    LabFormatError
        If somebody has worked in the lab's own notebook.
    """
    handed_out = base or read_base(lab)
    cells, unread = match(handed_out, submitted)
    choices = {e.id: choose(e, handed_out, cells=cells) for e in lab.exercises.values()}
    _check_lab(lab, submitted, choices)
    placed, left_out = place_all(handed_out, cells, choices=choices)
    parts = {each.place[2]: part_of(handed_out, each.place) for each in placed if not each.ours}
    shown = _Evidence(handed_out, cells, parts)
    answers = {name: _answer(choice, shown) for name, choice in choices.items()}
    unmatched = [*unread, *_unmatched(submitted, cells=cells, choices=choices)]
    if left_out:
        unmatched.append(f"{left_out} own code cells were left out: too many or too long")
    if len(unmatched) > MAX_UNMATCHED:
        unmatched[MAX_UNMATCHED:] = [f"and {len(unmatched) - MAX_UNMATCHED} more"]
    notebook = to_notebook(handed_out, placed)
    return Rebuilt(notebook, tuple(to_pieces(placed)), answers, tuple(unmatched))


def _check_lab(lab: Lab, submitted: Notebook, choices: Mapping[str, Choice]) -> None:
    """Refuse the notebook of another lab, whose functions may have the same names."""
    said = submitted["metadata"].get("course", {}).get("lab", lab.name)
    is_known = any(c.chosen and c.chosen.how != "by its functions" for c in choices.values())
    if said != lab.name and not is_known:
        raise SubmissionError(
            f"the notebook is that of the lab {one_line(said)!r}, not of {lab.name!r}; "
            f"hand in {lab.notebook.name}"
        )


def _answer(choice: Choice, evidence: "_Evidence") -> Answer:
    shown = evidence.of(choice)
    if choice.chosen is None:
        return Answer(choice.exercise.id, "not found", False, "", shown)
    how, text = choice.chosen.how, answer_text(choice)
    return Answer(choice.exercise.id, how, choice.is_attempted, text, shown, choice.notes)


class _Evidence:
    """What the student's own run showed, exercise by exercise, up to a limit for all of them."""

    def __init__(self, base: Base, cells: Sequence[Theirs], parts: Mapping[int, str]) -> None:
        self._base, self._cells, self._parts = base, cells, parts
        self._characters, self._pictures = MAX_SHOWN, MAX_SHOWN_PICTURES

    def of(self, choice: Choice) -> tuple[Shown, ...]:
        """Return what there is to one exercise."""
        kept = []
        for shown in show(self._outputs(choice), pictures=min(self._pictures, MAX_PICTURES)):
            self._characters -= len(shown.text)
            self._pictures -= shown.kind == "picture"
            if self._characters >= 0:
                kept.append(shown)
        return tuple(kept)

    def _outputs(self, choice: Choice) -> Iterator[list[Output]]:
        exercise = choice.exercise
        answer = {each.cell.index for each in choice.all}
        for cell in self._cells:
            outputs = cell.content["outputs"]
            if cell.index in answer:
                yield [*attached(cell.content["attachments"]), *outputs]
            elif self._parts.get(cell.index) == exercise.id or self._is_check(cell, exercise.id):
                yield outputs
            elif exercise.kind == "text" and self._is_measured_for(cell, exercise.id):
                yield without_pictures(outputs)

    def _is_check(self, cell: Theirs, exercise: str) -> bool:
        return bool(cell.ours and (cell.ours.role, cell.ours.exercise) == ("check", exercise))

    def _is_measured_for(self, cell: Theirs, exercise: str) -> bool:
        """Whether a cell of ours measures what a text may quote: it stands before that text."""
        if cell.ours is None or cell.ours.role:
            return False
        texts = [each for each in self._base.cells if each.role == "text"]
        later = [each for each in texts if each.index > cell.ours.index] or texts[-1:]
        return bool(later) and later[0].exercise == exercise


def _unmatched(
    submitted: Notebook,
    *,
    cells: Sequence[Theirs],
    choices: Mapping[str, Choice],
) -> Iterator[str]:
    """Yield what a person should look at, as nothing was done with it."""
    if submitted["metadata"].get("course", {}).get("notebook") == "reference":
        yield "the file says that it is our reference notebook"
    if not any(cell.ours for cell in cells) and not any(c.chosen for c in choices.values()):
        yield "no cell of the notebook belongs to this lab"
    taken = {each.cell.index for choice in choices.values() for each in choice.all}
    open_texts = {
        name
        for name, choice in choices.items()
        if choice.exercise.kind == "text" and not choice.is_attempted
    }
    functions = {f for choice in choices.values() for f in choice.exercise.functions}
    part = ""
    for cell in cells:
        part = cell.ours.part if cell.ours else part
        if not cell.is_own or cell.index in taken:
            continue
        claimed = cell.exercise if cell.role == "answer" else cell.title
        if claimed and claimed not in choices:
            yield f"{cell.place} says that it answers exercise {claimed}, which this lab has not"
        elif not cell.is_code and functions & cell.code.heads:
            yield f"{cell.place} is no code cell and holds code: {one_line(cell.source)}"
        elif not cell.is_code and part in open_texts and without_stub(cell.source):
            text = one_line(cell.source, limit=500)
            yield f"{cell.place} may be the answer to exercise {part}: {text}"
