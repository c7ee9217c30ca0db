"""One tree as C text, tried on an emulated core: its leaves, and what else is in the program.

The text is compiled alone, behind ``<stdint.h>``, without optimisation, so that what is written is
what is there. Its function ``tree_leaf`` is called on every row. Nothing here says what the leaves
should be; who asks compares them. The text may be hostile: it runs on the emulated core alone,
within a budget of instructions, and never as a program of this machine.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from labs.engine.errors import ExtraMissingError, LabError
from labs.shared.emulator import Machine
from labs.shared.toolchain import Program, compile_c

SIGNATURE = "int tree_leaf(const int32_t *x)"
ROWS = "bench_rows"
MOST_CHARACTERS = 100_000
BUDGET = 200_000  # half-words of code in a call; a comparison takes about ten
MOST_NAMES = 3


class TreeError(LabError):
    """A text is nothing to compile, or defines no tree."""


def run_tree(source: str, rows: npt.NDArray[np.int32], *, core: str = "m4") -> dict[str, Any]:
    """Return the leaf of each row by a text of C, and what is in the program besides.

    Parameters
    ----------
    source
        C text with a function of the `SIGNATURE`.
    rows
        (rows, features), int32, at least one.
    core
        One of `labs.shared.toolchain.CORES`.

    Returns
    -------
    dict
        ``error``, one line, if it cannot be tried. Otherwise ``leaves``, (rows,), int64;
        ``others``, in words what the program holds besides one function, or nothing; ``looped``,
        how many rows made it run a place of its code more than once.

    Raises
    ------
    ExtraMissingError
        If compiler or emulator are not installed.
    """
    try:
        return _tried(source, np.ascontiguousarray(rows, dtype=np.int32), core)
    except ExtraMissingError:
        raise  # nothing is wrong with the text
    except LabError as err:
        return {"error": str(err)}


def _tried(source: str, rows: npt.NDArray[np.int32], core: str) -> dict[str, Any]:
    program = compile_c(_file(source, rows.size), core, optimize="-O0")
    if "tree_leaf" not in program.functions:
        raise TreeError("the C text defines no function tree_leaf")
    machine = Machine(program)
    machine.write(ROWS, rows)
    start = machine.address(ROWS)
    leaves, looped = [], 0
    for number in range(len(rows)):
        place = start + number * rows.shape[1] * rows.itemsize
        leaves.append(machine.call("tree_leaf", place, budget=BUDGET))
        trace = machine.trace("tree_leaf", place, budget=BUDGET)
        looped += bool((trace.runs > 1).any())
    return {
        "leaves": np.array(leaves, dtype=np.int64),
        "others": ", ".join(_others(program)),
        "looped": looped,
    }


def _others(program: Program) -> list[str]:
    """Return what a program holds besides one function and the rows."""
    functions = sorted(name for name in program.functions if name != "tree_leaf")
    variables = sorted(name for name in program.variables if name != ROWS)
    named = [f"function {name}" for name in functions[:MOST_NAMES]]
    named += [f"variable {name}" for name in variables[:MOST_NAMES]]
    code_bytes, rows_bytes = program.code_bytes, program.variables[ROWS][1]
    data_bytes = sum(program.sections.values()) - code_bytes - rows_bytes
    return named + ([f"{data_bytes} bytes of data"] if data_bytes else [])


def _file(source: str, numbers: int) -> str:
    try:
        source.encode()
    except UnicodeEncodeError as err:
        raise TreeError("the C text holds characters that no file can hold") from err
    if len(source) > MOST_CHARACTERS:
        raise TreeError(
            f"the C text has {len(source):,} characters; at most {MOST_CHARACTERS:,} are taken"
        )
    rows = f"int32_t {ROWS}[{numbers}] __attribute__((aligned(8)));\n"
    parts = ("#include <stdint.h>", f"{SIGNATURE};", '#line 1 "your text"', source)
    return "\n".join([*parts, '#line 1 "rows"', rows])
