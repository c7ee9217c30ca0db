"""Programs of this lab on an emulated microcontroller: instructions of a row, flash, RAM, energy.

A program is compiled for a core, its rows are classified one by one by the emulator, and every
answer is compared. Instructions are counted exactly and repeat; cycles are an interval from Arm's
tables without wait states (`labs.shared.cycles`), so times and energies of boards are modelled and
too low for a flash that waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils import stats
from course_utils.records import Result
from labs.seminar.inference_performance.contests import WrongAnswerError
from labs.shared import boards
from labs.shared.emulator import Machine
from labs.shared.instructions import Profile, profile
from labs.shared.toolchain import CORES, compile_c

ROW = "course_row"
BOARD_OF_CORE = {"m0plus": "rp2040", "m4": "stm32l4r5"}
C_TYPES = {"int32": "int32_t", "uint8": "uint8_t", "float32": "float"}


@dataclass(frozen=True)
class Firmware:
    """A program for a microcontroller, before it is compiled.

    Parameters
    ----------
    name
        For tables.
    source
        C text that needs no library.
    function
        Its function ``int (const KEY *row)``, which returns a class.
    rows
        (n, features) in the type that the function reads, one of `C_TYPES`.
    expected
        (n,), the class of each row.
    """

    name: str
    source: str
    function: str
    rows: npt.NDArray[Any]
    expected: npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Emulated:
    """What a firmware took on one core.

    Parameters
    ----------
    name, core
        Of the firmware, and one of `labs.shared.toolchain.CORES`.
    flash_bytes, ram_bytes
        Code and constants; variables, the row and the deepest stack [B].
    profiles
        One a row.
    """

    name: str
    core: str
    flash_bytes: int
    ram_bytes: int
    profiles: tuple[Profile, ...]

    @property
    def instructions(self) -> Result:
        """Mean of the instructions of a row, with its interval over rows; counted."""
        counts = [float(p.instructions) for p in self.profiles]
        if len(set(counts)) == 1:
            return Result(counts[0], counts[0], counts[0], n=len(counts), kind="counted")
        return stats.mean_interval(counts).result("counted")

    @property
    def cycles(self) -> tuple[float, float] | None:
        """Mean of the fewest and of the most cycles of a row; None for a core without a table."""
        found = [p.cycles for p in self.profiles if p.cycles is not None]
        if not found:
            return None
        low, high = np.mean(np.array(found, dtype=np.float64), axis=0)
        return float(low), float(high)

    def on_board(self) -> Mapping[str, str]:
        """Return time and energy of a row on a board with this core, as a row of a table."""
        board = boards.BOARDS[BOARD_OF_CORE[self.core]]
        row = {
            "program": self.name,
            "core": CORES[self.core].title,
            "instructions": self.instructions.describe(""),
            "flash [B]": f"{self.flash_bytes:,}",
            "RAM [B]": f"{self.ram_bytes:,}",
            "board": board.name,
        }
        latency = boards.latency_ms(board, self.cycles)
        if latency is None:
            return row
        energy = boards.energy_per_inference_uj(board, latency)
        return row | {
            "time": scaled(latency, 1000).describe("latency_us"),
            "energy": energy.describe("energy_uj"),
        }


def emulate(firmware: Firmware, core: str) -> Emulated:
    """Return what a firmware takes for each of its rows on a core.

    Parameters
    ----------
    firmware
        The program and its rows.
    core
        ``m0plus`` or ``m4``; others have no table of cycles here.

    Raises
    ------
    WrongAnswerError
        If an answer is not the expected one.
    CompilerError, EmulationError, ExtraMissingError
        As `labs.shared.toolchain.compile_c` and `labs.shared.emulator.Machine` raise them.
    """
    features = firmware.rows.shape[1]
    kind = C_TYPES[firmware.rows.dtype.name]
    text = f"{firmware.source}\n{kind} {ROW}[{features}] __attribute__((aligned(8)));\n"
    program = compile_c(text, core)
    machine = Machine(program)
    profiles, deepest = [], 0
    for number, (row, wanted) in enumerate(zip(firmware.rows, firmware.expected, strict=True)):
        machine.write(ROW, row)
        trace = machine.trace(firmware.function, machine.address(ROW))
        answer = machine.call(firmware.function, machine.address(ROW))  # a trace has no answer
        if answer != wanted:
            raise WrongAnswerError(
                f"{firmware.name} on {CORES[core].title} answers {answer} for row {number}, where "
                f"{wanted} is expected"
            )
        profiles.append(profile(trace))
        deepest = max(deepest, trace.stack_bytes)
    flash_bytes, ram_bytes = program.flash_bytes, program.ram_bytes + deepest
    return Emulated(firmware.name, core, flash_bytes, ram_bytes, tuple(profiles))


def scaled(result: Result, factor: float) -> Result:
    """Return a result in another unit, or shared out: all numbers times a factor above 0."""
    value, low, high = (factor * x for x in (result.value, result.low, result.high))
    return Result(value, low, high, n=result.n, kind=result.kind)
