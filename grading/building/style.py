"""The rules for notebooks that can be measured: length, rhythm, words, and what a cell may not do.

Each problem is one line that names file, line and cell, the value seen and the limit. This module
reads cells and judges no teaching.
"""

import ast
import itertools
import re
import statistics
from collections.abc import Iterator

from grading.building.source import COLAB_TAG, Cell, Source, parse
from labs.engine.errors import LabFormatError
from labs.engine.parameters import PARAMETERS_TAG, parse_parameters

MAX_CODE_LINES = 25
MAX_MEDIAN_CODE_LINES = 8
MAX_CODE_CELLS_IN_A_ROW = 2
MIN_WORDS, MAX_WORDS = 15, 120
_NOT_PROSE = re.compile(
    r"^```.*?^```|^\$\$.*?^\$\$|<!--.*?-->|\]\([^)]*\)", re.DOTALL | re.MULTILINE
)
_ABSOLUTE = re.compile(
    r"^(/(home|Users|tmp|usr|var|opt|mnt|root|work|content|data)\b|[A-Za-z]:[\\/])"
)
_INSTALL = re.compile(r"\b(pip3?|conda|mamba)\b.{0,8}\binstall\b")


def problems(source: Source) -> list[str]:
    """Return what breaks a rule, one line each, in the order of the cells."""
    found = [
        f"{source.place(cell)}: {text}"
        for cell in source.cells
        for text in (_code_problems if cell.cell_type == "code" else _prose_problems)(cell, source)
    ]
    return [*found, *_rhythm_problems(source), *_parameter_problems(source)]


def words(text: str) -> int:
    r"""Return the words of prose in markdown: no headings, code, formulas, tables or addresses.

    Examples
    --------
    >>> words("## Goals\nRead [the paper](https://example.org) - all of it.\n\n| a | b |")
    6
    """
    prose = [
        line
        for line in _NOT_PROSE.sub(" ", text).split("\n")
        if not line.lstrip().startswith(("#", "|"))
    ]
    return sum(any(c.isalnum() for c in word) for word in " ".join(prose).split())


def _prose_problems(cell: Cell, _: Source) -> Iterator[str]:
    count = words(cell.stubbed)
    if count > MAX_WORDS:
        yield f"{count} words; at most {MAX_WORDS} a cell"
    if count < MIN_WORDS and cell.role != "text":
        yield f"{count} words of prose; at least {MIN_WORDS} a cell"


def _code_problems(cell: Cell, source: Source) -> Iterator[str]:
    if not cell.solved.strip():
        yield "an empty cell"
        return
    if (count := _length(cell)) > MAX_CODE_LINES:
        yield f"{count} lines; at most {MAX_CODE_LINES} a code cell: move code to a module"
    if COLAB_TAG in cell.tags:
        return
    if install := _INSTALL.search(cell.solved):
        yield f"{install[0]!r}: notebooks install nothing"
    for node in ast.walk(parse(cell, source)):
        match node:
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                yield f"'from {node.module} import *': import names"
            case ast.Constant(value=str(text)) if _ABSOLUTE.match(text):
                yield f"absolute path {text!r}: it exists on one machine only"


def _length(cell: Cell) -> int:
    return len(cell.solved.strip("\n").split("\n"))


def _rhythm_problems(source: Source) -> Iterator[str]:
    for cell_type, group in itertools.groupby(source.cells, key=lambda cell: cell.cell_type):
        cells = list(group)
        if cell_type == "code" and len(cells) > MAX_CODE_CELLS_IN_A_ROW:
            yield (
                f"{source.place(cells[0])}: {len(cells)} code cells in a row, to {cells[-1].id}; "
                f"at most {MAX_CODE_CELLS_IN_A_ROW}: say what comes between them"
            )
    lengths = [_length(cell) for cell in source.cells if cell.cell_type == "code"]
    if lengths and (median := statistics.median(lengths)) > MAX_MEDIAN_CODE_LINES:
        yield (
            f"{source.path}: the median code cell has {median:g} lines; "
            f"at most {MAX_MEDIAN_CODE_LINES}"
        )


def _parameter_problems(source: Source) -> Iterator[str]:
    cells = [cell for cell in source.cells if PARAMETERS_TAG in cell.tags]
    if len(cells) != 1:
        yield (
            f"{source.path}: {len(cells)} cells are tagged {PARAMETERS_TAG!r}; "
            'exactly one is: # %% tags=["parameters"]'
        )
    for cell in cells:
        if cell.cell_type != "code":
            yield f"{source.place(cell)}: the parameters stand in a code cell"
            continue
        try:
            declared = parse_parameters(cell.solved)
        except LabFormatError as err:
            yield f"{source.place(cell)}: {err}"
            continue
        for parameter in declared.values():
            if not parameter.comment:
                yield (
                    f"{source.place(cell)}: parameter {parameter.name} has no comment on its "
                    "line; give its meaning and unit"
                )
