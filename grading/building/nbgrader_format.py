"""The metadata that nbgrader keeps in a cell (schema 3), with its stubs and checksums.

A notebook built here can be read by nbgrader and by whatever speaks its format. This module makes
metadata of single cells from plain values; it neither reads nor writes notebooks and does not
import nbgrader, which is a test's oracle only.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

from labs.engine.catalog import Exercise

SCHEMA_VERSION = 3
CODE_STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")
TEXT_STUB = ("YOUR ANSWER HERE",)
Role = Literal["solution", "check", "text"]
_ID_PREFIX: dict[Role, str] = {"solution": "answer", "text": "answer", "check": "check"}


def grade_id(role: Role, exercise_id: str) -> str:
    """Return the name of a cell: ``answer-0-1`` or ``check-0-1``.

    Examples
    --------
    >>> grade_id("solution", "0.1"), grade_id("check", "0.1")
    ('answer-0-1', 'check-0-1')
    """
    return f"{_ID_PREFIX[role]}-{exercise_id.replace('.', '-')}"


def checksum(source: str, cell_type: str, *, nbgrader: Mapping[str, Any]) -> str:
    """Return nbgrader's checksum of a cell: MD5 of what must not change in it.

    Parameters
    ----------
    source
        The cell's text.
    cell_type
        ``code`` or ``markdown``.
    nbgrader
        The cell's ``metadata.nbgrader``; `checksum` itself does not count.

    Examples
    --------
    >>> cell = {"grade": False, "solution": True, "locked": False, "grade_id": "foo"}
    >>> checksum("hello", "code", nbgrader=cell)
    'e872a0e447bbfeeb4309bbf0813ade9a'
    """
    is_solution, is_grade = nbgrader["solution"], nbgrader["grade"]
    # A solution can never be locked and a test always is, whatever `locked` says.
    is_locked = not is_solution and (is_grade or nbgrader["locked"])
    parts = [source, cell_type, str(is_grade), str(is_solution), str(is_locked)]
    parts.append(nbgrader["grade_id"])
    if is_grade:
        parts.append(str(float(nbgrader["points"])))
    digest = hashlib.md5(usedforsecurity=False)
    for part in parts:
        digest.update(part.encode())
    return digest.hexdigest()


def cell_metadata(role: Role, exercise: Exercise, *, source: str) -> dict[str, Any]:
    """Return the metadata of an exercise's cell, nbgrader's keys and ours side by side.

    Parameters
    ----------
    role
        ``solution`` (code that is checked elsewhere), ``check`` (an autograded test with the
        points) or ``text`` (an answer with points that a person marks).
    exercise
        The exercise, whose points count.
    source
        The text of the cell as students get it; the checksum is over it.
    """
    is_grade = role in ("check", "text")
    nbgrader: dict[str, Any] = {
        "cell_type": "markdown" if role == "text" else "code",
        "grade": is_grade,
        "grade_id": grade_id(role, exercise.id),
        "locked": role == "check",
        "schema_version": SCHEMA_VERSION,
        "solution": role != "check",
        "task": False,
    }
    if is_grade:
        nbgrader["points"] = exercise.points
    nbgrader["checksum"] = checksum(source, nbgrader["cell_type"], nbgrader=nbgrader)
    metadata: dict[str, Any] = {
        "course": {"exercise": exercise.id, "role": role},
        "deletable": False,
        "nbgrader": nbgrader,
    }
    if role == "check":
        metadata["editable"] = False
    return metadata
