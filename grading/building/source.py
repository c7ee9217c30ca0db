"""A lab's ``source.py``: the one text that people edit, in jupytext's percent format.

Reading it gives cells with their role in an exercise:

- ``solution``: a code cell whose first line is ``# Exercise 0.1`` and that holds a region;
- ``text``: a markdown cell whose first line is a heading ``Exercise 0.3`` and that holds a region;
- ``check``: a code cell whose last expression is ``show_check("0.1")``.

This module reads and says where something is; whether it agrees with lab.toml is asked in
`grading.building.agreement`, whether it is good style in `grading.building.style`.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grading.building import regions
from grading.building.nbgrader_format import CODE_STUB, TEXT_STUB, Role
from grading.errors import SourceError
from labs.engine.errors import ExtraMissingError

CellType = Literal["code", "markdown"]
COLAB_TAG = "colab"  # the one generated cell that may hold magics; inert elsewhere
_CELL_MARKER = re.compile(r"# ?%%( |$)")
_CODE_TITLE = re.compile(r"# Exercise (\d+\.\d+)\b")
_TEXT_TITLE = re.compile(r"#+ Exercise (\d+\.\d+)\b")
_KNOWN_METADATA = {"tags", "lines_to_next_cell"}


@dataclass(frozen=True)
class Cell:
    """One cell of a source.

    Parameters
    ----------
    cell_type
        ``code`` or ``markdown``.
    text
        The cell as written, with its region markers.
    tags
        Its tags, such as ``parameters``.
    index
        Its position, from 0.
    line
        The line of the source in which its marker stands.
    role, exercise
        What it is in which exercise; both None for all other cells.
    """

    cell_type: CellType
    text: str
    tags: tuple[str, ...]
    index: int
    line: int
    role: Role | None = None
    exercise: str | None = None

    @property
    def id(self) -> str:
        """The id of the cell in the notebooks: its position, nothing else."""
        return f"cell-{self.index:02d}"

    @property
    def solved(self) -> str:
        """The text in the reference."""
        return regions.solved(self.text)

    @property
    def stubbed(self) -> str:
        """The text that students get."""
        return regions.stubbed(self.text, CODE_STUB if self.cell_type == "code" else TEXT_STUB)


@dataclass(frozen=True)
class Source:
    """The cells of a lab, in order, and the file they come from."""

    path: Path
    cells: tuple[Cell, ...]

    def cells_of(self, exercise: str, role: Role) -> tuple[Cell, ...]:
        """Return the cells that play a role in an exercise."""
        return tuple(c for c in self.cells if (c.exercise, c.role) == (exercise, role))

    def statement(self, exercise: str) -> tuple[Cell, ...]:
        """Return the markdown cells that set an exercise.

        They begin with the one whose heading names it and end before the first cell of another
        exercise, or after the first check or text answer of this one.
        """
        found: list[Cell] = []
        for cell in self.cells:
            named = _named_in_heading(cell)
            if not found and named != exercise:
                continue
            if found and (named or cell.exercise or exercise) != exercise:
                break
            if cell.cell_type == "markdown":
                found.append(cell)
            if cell.exercise == exercise and cell.role in ("check", "text"):
                break
        return tuple(found)

    def place(self, cell: Cell) -> str:
        """Return file, line and cell, for messages."""
        return f"{self.path}:{cell.line} ({cell.id})"

    def error(self, cell: Cell, message: str) -> SourceError:
        """Return an error about one cell."""
        return SourceError(f"{self.place(cell)}: {message}")


def read_source(path: str | Path) -> Source:
    """Return the source in a file.

    Raises
    ------
    SourceError
        If there is no such file, it is not UTF-8 or not in percent format, a region is not closed
        or lies outside an exercise, or code does not parse; the message names file, line and cell.
    ExtraMissingError
        If jupytext is not installed.
    """
    target = Path(path)
    try:
        text = target.read_text(encoding="utf-8")
    except FileNotFoundError as err:
        raise SourceError(f"{target} is missing; a lab's cells are written there") from err
    except UnicodeDecodeError as err:
        raise SourceError(f"{target} is not UTF-8 ({err}); save it as UTF-8") from err
    cells = tuple(
        Cell(cell_type, cell_text, tags, index, line)
        for index, (cell_type, cell_text, tags, line) in enumerate(_percent_cells(text, target))
    )
    source = Source(target, cells)
    return Source(target, tuple(_with_role(cell, source) for cell in cells))


def _percent_cells(text: str, path: Path) -> list[tuple[CellType, str, tuple[str, ...], int]]:
    try:
        import jupytext  # noqa: PLC0415 - an extra, and a second to import
    except ImportError as err:
        raise ExtraMissingError(
            "building needs jupytext, which is not installed: pip install 'mlsys-course[grading]'"
        ) from err
    cells = jupytext.reads(text, fmt="py:percent").cells
    numbers = [n for n, line in enumerate(text.split("\n"), 1) if _CELL_MARKER.match(line)]
    if len(numbers) != len(cells):
        raise SourceError(
            f"{path}: {len(numbers)} lines begin a cell, but there are {len(cells)} cells; "
            "put no text before the first '# %%', and no '# %%' into a string"
        )
    found: list[tuple[CellType, str, tuple[str, ...], int]] = []
    for cell, line in zip(cells, numbers, strict=True):
        if cell.cell_type not in ("code", "markdown"):
            raise SourceError(f"{path}:{line}: a {cell.cell_type} cell; use code or [markdown]")
        if unknown := set(cell.metadata) - _KNOWN_METADATA:
            raise SourceError(
                f"{path}:{line}: the cell marker says {', '.join(sorted(unknown))}; "
                "only [markdown] and tags=[...] may follow '# %%'"
            )
        tags = tuple(cell.metadata.get("tags", ()))
        found.append((cell.cell_type, cell.source, tags, line))
    return found


def _with_role(cell: Cell, source: Source) -> Cell:
    """Return the cell with its role in an exercise, after looking at its regions."""
    try:
        has_region = regions.has_region(cell.text)
    except SourceError as err:
        raise source.error(cell, str(err)) from err
    first_line = cell.text.split("\n", 1)[0]
    role: Role | None = None
    exercise: str | None = None
    if cell.cell_type == "markdown":
        if has_region and (title := _TEXT_TITLE.match(first_line)):
            role, exercise = "text", title[1]
        elif has_region:
            raise source.error(
                cell, "a text answer begins with a heading such as '### Exercise 0.3'"
            )
    elif title := _CODE_TITLE.match(first_line):
        if not has_region:
            raise source.error(
                cell, f"exercise {title[1]} has no {regions.BEGIN} ... {regions.END} in its cell"
            )
        role, exercise = "solution", title[1]
    elif has_region:
        raise source.error(
            cell, "a solution region needs '# Exercise 0.1' in the first line of its cell"
        )
    elif checked := _checked_exercise(cell, source):
        role, exercise = "check", checked
    return Cell(cell.cell_type, cell.text, cell.tags, cell.index, cell.line, role, exercise)


def _named_in_heading(cell: Cell) -> str | None:
    if cell.cell_type != "markdown":
        return None
    titles = (_TEXT_TITLE.match(line) for line in cell.text.split("\n"))
    return next((title[1] for title in titles if title), None)


def _checked_exercise(cell: Cell, source: Source) -> str | None:
    """Return the exercise whose check is the last expression of a code cell."""
    tree = parse(cell, source)
    calls = [node for node in ast.walk(tree) if _is_show_check(node)]
    if not calls:
        return None
    last = tree.body[-1]
    if len(calls) > 1 or not (isinstance(last, ast.Expr) and _is_show_check(last.value)):
        raise source.error(
            cell, "show_check(...) stands once in a cell, as its last expression: it shows there"
        )
    call = last.value
    match call:
        case ast.Call(args=[ast.Constant(value=str(exercise))], keywords=[]):
            return exercise
    raise source.error(cell, "show_check takes the exercise's id as text: show_check('0.1')")


def _is_show_check(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "show_check"
    )


def parse(cell: Cell, source: Source) -> ast.Module:
    """Return the syntax tree of a code cell as the reference has it; empty for the colab cell.

    Raises
    ------
    SourceError
        If it is not Python; magics are not, either.
    """
    if COLAB_TAG in cell.tags:
        return ast.Module(body=[], type_ignores=[])
    try:
        return ast.parse(cell.solved)
    except SyntaxError as err:
        raise source.error(
            cell, f"line {err.lineno} is not Python ({err.msg}); magics are not allowed"
        ) from err
