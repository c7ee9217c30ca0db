"""What to run of a rebuilt submission, and in which order, to judge one exercise.

Of our own cells only the setup runs: imports, literals, functions and classes. What they compute is
left out: an exercise does not need it, and a notebook would take minutes. Each setup statement is a
piece of its own, so that one import that is withheld takes no other with it. This module runs
nothing.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from labs.engine.errors import LabFormatError

if TYPE_CHECKING:
    from labs.engine.rebuild import Rebuilt

SETUP, PARAMETER, CHECK = "our setup", "our parameters", "the check"
_ASSIGNED = re.compile(r"(\w+)\b[^=]*=")


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


def pieces_for(
    rebuilt: "Rebuilt", exercise: str, *, parameters: Mapping[str, Any] | None = None
) -> tuple[Piece, ...]:
    """Return what to run for one exercise: all there is before its check.

    Parameters
    ----------
    rebuilt
        A submission in our own notebook.
    exercise
        Id of an exercise of kind ``code``.
    parameters
        Parameter -> value, such as those of a preset; others keep their default.

    Raises
    ------
    LabFormatError
        If the notebook has no check of this exercise.
    """
    pieces = rebuilt.pieces
    ends = [n for n, piece in enumerate(pieces) if is_check(piece) and piece.exercise == exercise]
    if not ends:
        raise LabFormatError(f"the notebook holds no check of exercise {exercise!r}")
    given = parameters or {}
    return tuple(_with_value(piece, given) for piece in pieces[: ends[-1]] if not is_check(piece))


def is_check(piece: Piece) -> bool:
    """Whether a piece only marks the place of an exercise's check.

    Examples
    --------
    >>> is_check(Piece("given", "", "0.1")), is_check(Piece("solution", "", "0.1"))
    (True, False)
    """
    return piece.kind == "given" and piece.exercise is not None


def _with_value(piece: Piece, parameters: Mapping[str, Any]) -> Piece:
    match = _ASSIGNED.match(piece.code) if piece.label == PARAMETER else None
    if not match or match[1] not in parameters:
        return piece
    return replace(piece, code=f"{match[1]} = {parameters[match[1]]!r}")


def setup_statements(tree: ast.Module) -> Iterator[str]:
    r"""Yield the setup in a cell of ours, one statement a text and one name an import.

    Examples
    --------
    >>> list(setup_statements(ast.parse("import a, b\nc = 1\nd = b.e()")))
    ['import a', 'import b', 'c = 1']
    """
    for node in tree.body:
        if is_setup(node):
            yield from statements(node)


def statements(node: ast.stmt) -> Iterator[str]:
    """Yield the text of a statement; of an import, one text for each name.

    Examples
    --------
    >>> list(statements(ast.parse("from a import b as c, d").body[0]))
    ['from a import b as c', 'from a import d']
    """
    if not isinstance(node, ast.Import | ast.ImportFrom):
        yield ast.unparse(node)
        return
    for alias in node.names:
        name = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
        if isinstance(node, ast.Import):
            yield f"import {name}"
        else:
            yield f"from {'.' * node.level}{node.module or ''} import {name}"


def is_setup(node: ast.stmt) -> bool:
    r"""Whether a statement of ours sets something up: an import, a literal, a function or a class.

    Examples
    --------
    >>> [is_setup(node) for node in ast.parse("x = [1, -2]\ny = f(1)\nprint(x)").body]
    [True, False, False]
    """
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return True
    values = _assigned(node)
    return bool(values) and all(_is_literal(value) for value in values)


def _assigned(node: ast.stmt) -> list[ast.expr]:
    match node:
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return [value]
    return []


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):
        return False
    return True
