"""Puts what a student handed in back into our own notebook.

The notebook that is graded is always ours: from a submission come only the answers, found by the
cell's id, else by its first line, else by the functions it defines, and the student's own extra
code cells at their place. Whatever else was done to the file (cells copied, deleted, retyped,
reordered, re-tagged, checks edited, a foreign kernel, strange metadata) has no effect. What could
not be matched is listed for a person. Nothing is executed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Notebook = dict[str, Any]
How = Literal["by its id", "by its first line", "by its functions", "not found"]


@dataclass(frozen=True)
class Piece:
    """One piece of code to run when grading, in the order of the notebook.

    Parameters
    ----------
    kind
        ``given`` (our own setup), ``extra`` (the student's own cell, or what they added to one of
        ours) or ``solution``.
    code
        The code; a cell of IPython.
    exercise
        The exercise of a solution; None for the others.
    label
        What a person calls it: ``"your own cell after exercise 1.3"``.
    """

    kind: Literal["given", "extra", "solution"]
    code: str
    exercise: str | None = None
    label: str = ""


@dataclass(frozen=True)
class Shown:
    """One output of the student's own run, inert: escaped text or pixels, size-capped.

    Parameters
    ----------
    kind
        ``text`` or ``picture``.
    text
        The text, plain (escaping is for who shows it); of a picture, its alternative text.
    png
        A PNG encoded anew from the pixels; empty for text.
    """

    kind: Literal["text", "picture"]
    text: str
    png: bytes = b""


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
