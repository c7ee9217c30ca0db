"""A network on several boards: the fastest code for each core, and what it needs there.

Code is generated, compiled and emulated once for each core. Needs are those of the network alone:
front end, microphone buffer and whatever else a product runs come on top. Cores with SIMD share the
code made for the Cortex-M4, which M7 and M33 run as well.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy.typing as npt

from course_utils import units
from labs.mcu_compression import bench, footprints
from labs.mcu_compression.c_code.stages import STAGES
from labs.mcu_compression.footprints import Footprint, Measured
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.shared.boards import Board, Range
from labs.shared.toolchain import CORES

SIMD_CORE = "m4"


@dataclass(frozen=True)
class Need:
    """What a network needs on a core.

    Parameters
    ----------
    core, stage
        What its code was made for, and how.
    flash_bytes
        Code and constants.
    ram_bytes
        Arena, variables, input and output, and the deepest stack.
    instructions, accesses
        Executed for one clip; loads and stores among them.
    cycles
        Estimated, fewest and most, or None.
    """

    core: str
    stage: str
    flash_bytes: int
    ram_bytes: int
    instructions: int
    accesses: int
    cycles: Range | None

    @property
    def bytes_of(self) -> dict[str, int]:
        """Bytes by memory."""
        return {"flash": self.flash_bytes, "RAM": self.ram_bytes}


def code_core(core: str) -> str:
    """Return the core that code for a core is made for.

    Examples
    --------
    >>> code_core("m33"), code_core("m0plus")
    ('m4', 'm0plus')
    """
    return SIMD_CORE if CORES[core].has_dsp else core


def fastest_stage(core: str) -> str:
    """Return the last of the stages that run on a core.

    Examples
    --------
    >>> fastest_stage("m4")
    'fast'
    """
    return [key for key, stage in STAGES.items() if CORES[core].has_dsp or not stage.needs_dsp][-1]


def need_on(network: IntegerNetwork, core: str, *, clip: npt.ArrayLike) -> Need:
    """Return what a network needs on a core.

    Parameters
    ----------
    network
        In whole numbers.
    core
        One of `toolchain.CORES`.
    clip
        Input codes of the clip that is run, (height, width, channels).

    Raises
    ------
    ExtraMissingError
        If there is no compiler or no emulator.
    """
    made_for = code_core(core)
    stage = fastest_stage(made_for)
    deployed = bench.deploy(network, stage, core=made_for)
    seen = deployed.profile(clip)
    return Need(
        made_for,
        stage,
        deployed.flash_bytes,
        deployed.program.ram_bytes + seen.stack_bytes,
        seen.instructions,
        seen.loads + seen.stores,
        seen.cycles if made_for == core else None,
    )


def measure(
    networks: Mapping[float, IntegerNetwork], cores: Sequence[str], *, clip: npt.ArrayLike
) -> dict[str, list[Measured]]:
    """Return for each core what networks of several widths need.

    Parameters
    ----------
    networks
        By width.
    cores
        Some of `toolchain.CORES`; those that share code are measured once.
    clip
        Input codes, as for `need_on`.
    """
    found: dict[str, list[Measured]] = {}
    for core in dict.fromkeys(code_core(each) for each in cores):
        needs = {width: need_on(network, core, clip=clip) for width, network in networks.items()}
        found[core] = [
            Measured(
                width, each.flash_bytes, each.ram_bytes, {core: each.cycles} if each.cycles else {}
            )
            for width, each in needs.items()
        ]
    return found


def footprint_on(
    measured: Mapping[str, Sequence[Measured]], core: str, **setting: float
) -> Footprint:
    """Return what a setting needs on a core, for `board_explorer.BoardExplorer`.

    Parameters
    ----------
    measured
        From `measure`.
    core
        One of `toolchain.CORES`.
    setting
        ``width``, ``bits`` and ``sparsity`` as for `footprints.footprint`.
    """
    find = functools.partial(footprints.footprint, measured[code_core(core)])
    return find(**setting)  # type: ignore[arg-type]  # bits is whole


def verdict(
    board: Board, need: Need, *, missing: Mapping[str, int], latency_ms: Range, deadline_ms: float
) -> dict[str, str]:
    """Return whether a network fits a board and answers in time, as a row of a table.

    Parameters
    ----------
    board, need
        The board, and what the network needs on its core.
    missing
        Memory -> bytes that are missing, of those that are too small.
    latency_ms
        Shortest and longest [ms].
    deadline_ms
        An answer is wanted within [ms].
    """
    low, high = latency_ms
    lacks = ", ".join(f"{size:,} B of {name}" for name, size in missing.items())
    is_late = "no" if low > deadline_ms else "perhaps not"
    return {
        "board": board.name,
        "stage": need.stage,
        "flash": f"{need.flash_bytes:,} B",
        "RAM": f"{need.ram_bytes:,} B",
        "short of": lacks or "nothing",
        "instructions": f"{need.instructions:,}",
        "latency": f"{units.format_number(low)} to {units.format_number(high)} ms",
        f"within {deadline_ms:g} ms": "yes" if high <= deadline_ms else is_late,
    }


def board_rows(boards: Sequence[Board]) -> list[dict[str, str]]:
    """Return what boards have, as rows of a table."""
    return [
        {
            "board": board.name,
            "core": CORES[board.core].title,
            "clock": f"{board.clock_hz / 1e6:g} MHz",
            "flash": f"{board.flash_bytes:,} B",
            "RAM": f"{board.ram_bytes:,} B",
            "computing": _power(board.active_power_w),
            "asleep": _power(board.sleep_power_w),
        }
        for board in boards
    ]


def _power(power_w: Range) -> str:
    low, high = (units.format_number(each * units.MW_PER_W, digits=2) for each in power_w)
    return f"{low} to {high} mW"
