"""Solution regions of one cell: the lines between ``### BEGIN SOLUTION`` and ``### END SOLUTION``.

The student's text has a stub in place of each region, the reference has the region without its
markers. This module works on the text of one cell and knows nothing of files.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from grading.errors import SourceError

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
# nbgrader looks for the words anywhere in a line: a marker written otherwise is one to nbgrader.
_WORDS = ("BEGIN SOLUTION", "END SOLUTION")
_FOREIGN = ("BEGIN HIDDEN TESTS", "END HIDDEN TESTS", "BEGIN MARK SCHEME", "END MARK SCHEME")


@dataclass(frozen=True)
class Line:
    """One line of a cell: its text, and whether it marks or belongs to a solution region."""

    text: str
    is_marker: bool
    is_inside: bool


def lines_of(text: str) -> tuple[Line, ...]:
    r"""Return the lines of a cell with the regions worked out.

    Raises
    ------
    SourceError
        If regions nest, one is not closed or empty, or a marker is not written as it must be; the
        message names the line within the cell.

    Examples
    --------
    >>> [line.is_inside for line in lines_of("a\n### BEGIN SOLUTION\nb\n### END SOLUTION")]
    [False, False, True, False]
    """
    lines: list[Line] = []
    begun = 0
    for number, line in enumerate(text.split("\n"), start=1):
        marker = line.strip()
        if marker == BEGIN:
            if begun:
                raise SourceError(f"line {number}: {BEGIN} inside the region of line {begun}")
            begun = number
        elif marker == END:
            if not begun:
                raise SourceError(f"line {number}: {END} without a {BEGIN} before it")
            if not any(inner.text.strip() for inner in lines[begun:]):
                raise SourceError(f"line {number}: the region of line {begun} is empty")
            begun = 0
        elif any(words in line for words in (*_WORDS, *_FOREIGN)):
            raise SourceError(
                f"line {number}: {marker!r} would be a marker to nbgrader; "
                f"write exactly {BEGIN} or {END}, or reword it"
            )
        is_marker = marker in (BEGIN, END)
        lines.append(Line(line, is_marker, bool(begun) and not is_marker))
    if begun:
        raise SourceError(f"line {begun}: {BEGIN} without an {END} after it")
    return tuple(lines)


def has_region(text: str) -> bool:
    """Say whether a cell holds a solution region."""
    return any(line.is_marker for line in lines_of(text))


def stubbed(text: str, stub: Iterable[str]) -> str:
    r"""Return the cell as students get it: each region replaced by the stub.

    Parameters
    ----------
    text
        Text of the cell.
    stub
        Lines of the stub; they are indented as the region's first marker is.

    Examples
    --------
    >>> cell = "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"
    >>> print(stubbed(cell, ["# YOUR CODE HERE"]))
    def f(x):
        # YOUR CODE HERE
    """
    stub_lines = tuple(stub)
    kept: list[str] = []
    for line in lines_of(text):
        if line.is_marker and line.text.strip() == BEGIN:
            indent = line.text[: line.text.index(BEGIN)]
            kept += [indent + stub_line for stub_line in stub_lines]
        elif not line.is_marker and not line.is_inside:
            kept.append(line.text)
    return "\n".join(kept)


def solved(text: str) -> str:
    r"""Return the cell as the reference has it: everything but the markers.

    Examples
    --------
    >>> solved("a\n### BEGIN SOLUTION\nb\n### END SOLUTION")
    'a\nb'
    """
    return "\n".join(line.text for line in lines_of(text) if not line.is_marker)


def solution_lines(text: str) -> frozenset[int]:
    r"""Return the numbers, from 1, of the lines of `solved` that came from a region.

    Examples
    --------
    >>> sorted(solution_lines("a\n### BEGIN SOLUTION\nb\n### END SOLUTION"))
    [2]
    """
    kept = (line for line in lines_of(text) if not line.is_marker)
    return frozenset(number for number, line in enumerate(kept, start=1) if line.is_inside)
