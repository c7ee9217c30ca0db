"""Boards with a Cortex-M: whether a program fits, how long it takes, and with which energy.

Memories and clocks are those of data sheets. Powers are ranges with the source of both ends; what
no source was found for says "belief" and has a wide range. A power is that of the
microcontroller while its core runs, or sleeps with its memory kept. The rest is not in it: other
chips of the board, microphone, radio, losses of voltage regulators, time and energy to wake up.

A latency is cycles by the clock. The cycles come from an emulator without wait states of the
flash, so a real board is slower. Nothing is compiled, run or measured here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from course_utils import units
from course_utils.records import Result
from course_utils.units import KI, MI

Range = tuple[float, float]
MHZ = 1e6
CORES = ("m0plus", "m3", "m4", "m7", "m33")
# The makers of the others publish no cycles for each instruction: two start at once, or it depends.
CORES_WITH_CYCLES = ("m0plus", "m3", "m4")
SOURCED = ("memory", "active", "sleep")


@dataclass(frozen=True)
class Board:
    """A board, as far as a program for its main core is concerned.

    Parameters
    ----------
    name
        As its maker calls it, with the microcontroller.
    core
        One of `CORES`.
    clock_hz
        The highest clock that the data sheet allows [Hz].
    flash_bytes, ram_bytes
        All that there is [B]; a bootloader, code, stack and buffers share it.
    has_dsp
        Whether the core has the instructions that multiply two pairs of int16 at once (SMLAD).
    active_power_w, sleep_power_w
        Lowest and highest power while running at `clock_hz`, and asleep with its memory kept [W].
    sources
        For ``memory``, ``active`` and ``sleep``: where the numbers are from, in which conditions.
    notes
        What is special about it.

    Raises
    ------
    ValueError
        If a range is not one, sleeping takes more than running, or a source is missing.
    """

    name: str
    core: str
    clock_hz: float
    flash_bytes: int
    ram_bytes: int
    has_dsp: bool
    active_power_w: Range
    sleep_power_w: Range
    sources: Mapping[str, str] = field(repr=False, hash=False)
    notes: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no board."""
        if self.core not in CORES:
            raise ValueError(
                f"core of {self.name} is {self.core!r}; give one of {', '.join(CORES)}"
            )
        for what, (low, high) in (
            ("active_power_w", self.active_power_w),
            ("sleep_power_w", self.sleep_power_w),
        ):
            if not 0 < low <= high < math.inf:
                raise ValueError(f"{what} of {self.name} is {low}..{high}; give 0 < low <= high")
        if self.sleep_power_w[1] > self.active_power_w[0]:
            raise ValueError(f"{self.name} asleep takes more than running; exchange the two ranges")
        missing = [what for what in SOURCED if not self.sources.get(what)]
        if missing:
            raise ValueError(f"{self.name} has no source for {', '.join(missing)}; add it")


def _belief(text: str) -> str:
    return f"belief: {text}"


# Powers are written as volts times amperes, so that they can be found in the source.
BOARDS: dict[str, Board] = {
    "stm32l053": Board(
        name="STM32L053R8 (NUCLEO-L053R8)",
        core="m0plus",
        clock_hz=32 * MHZ,
        flash_bytes=64 * KI,
        ram_bytes=8 * KI,
        has_dsp=False,
        active_power_w=(3.0 * 88e-6 * 32, 3.6 * 8e-3),
        sleep_power_w=(3.0 * 0.4e-6, 3.0 * 0.8e-6),
        sources={
            "memory": "ST data sheets DS10152 and, for its sister STM32L051, DS10184",
            "active": "low: 88 uA/MHz at 3 V (first page, the best mode of all); high: "
            + _belief("8 mA at 3.6 V and 32 MHz, where the core needs its highest voltage"),
            "sleep": "Stop mode at 3 V: 0.4 uA, and 0.8 uA with clock and 8 KB of RAM (first page)",
        },
        notes="The data sheet of the sister STM32L051 was read; both share the powers quoted.",
    ),
    "stm32f103": Board(
        name="STM32F103C8 (Blue Pill)",
        core="m3",
        clock_hz=72 * MHZ,
        flash_bytes=64 * KI,
        ram_bytes=20 * KI,
        has_dsp=False,
        active_power_w=(3.3 * 27e-3, 3.6 * 32.9e-3),
        sleep_power_w=(3.3 * 14e-6, 3.3 * 24e-6),
        sources={
            "memory": "ST data sheet DS5319",
            "active": "DS5319 rev 19, 72 MHz, code in flash, peripherals off: 27 mA typical at "
            "3.3 V and 25 C (table 17); 32.9 mA at most at 105 C (table 13), here by 3.6 V",
            "sleep": "DS5319 rev 19 table 16, Stop mode, typical at 3.3 V: 14 uA with the "
            "regulator in low-power mode, 24 uA without",
        },
        notes="Its flash has two wait states at this clock.",
    ),
    "rp2040": Board(
        name="Raspberry Pi Pico (RP2040)",
        core="m0plus",
        clock_hz=133 * MHZ,
        flash_bytes=2 * MI,
        ram_bytes=264 * KI,
        has_dsp=False,
        active_power_w=(3.3 * 15e-3, 3.3 * 45e-3),
        sleep_power_w=(3.3 * 0.39e-3, 3.3 * 4.5e-3),
        sources={
            "memory": "RP2040 and Raspberry Pi Pico data sheets",
            "active": _belief(
                "the data sheet has 9.0 to 10.9 mA typical into the core for programs at 48 MHz "
                "(table Power Consumption); scaled by the clock, wide, without the flash chip"
            ),
            "sleep": "data sheet, table Power Consumption: 0.39 mA typical and 4.5 mA at most into "
            "the core in SLEEP, from 3.3 V through the linear regulator on the chip",
        },
        notes="Two cores, one is used. Code and weights lie in a serial flash behind a cache of "
        "16 KB: misses cost far more than a wait state, and no cycle count here knows of them.",
    ),
    "nrf52840": Board(
        name="nRF52840 DK",
        core="m4",
        clock_hz=64 * MHZ,
        flash_bytes=1 * MI,
        ram_bytes=256 * KI,
        has_dsp=True,
        active_power_w=(3.0 * 3.3e-3, 3.0 * 6.3e-3),
        sleep_power_w=(3.0 * 2.35e-6, 3.0 * 3.16e-6),
        sources={
            "memory": "Nordic nRF52840 Product Specification",
            "active": "Product Specification, ICPU0, CoreMark from flash at 64 MHz, 3 V, 25 C: "
            "3.3 mA with the DC/DC converter, 6.3 mA with the linear regulator",
            "sleep": "Product Specification, System ON with 256 KB of RAM, 3 V, 25 C: 2.35 uA "
            "(ION_RAMON_EVENT), 3.16 uA with the clock running (ION_RAMON_RTC)",
        },
        notes="The radio is off.",
    ),
    "stm32l4r5": Board(
        name="NUCLEO-L4R5ZI (STM32L4R5ZI)",
        core="m4",
        clock_hz=120 * MHZ,
        flash_bytes=2 * MI,
        ram_bytes=640 * KI,
        has_dsp=True,
        active_power_w=(0.0449, 0.0754),
        sleep_power_w=(3.0 * 1.2e-6, 3.0 * 10e-6),
        sources={
            "memory": "ST data sheet DS12023",
            "active": "measured for MLPerf Tiny, keyword spotting: 44.9 mW at 1.8 V "
            "(mlcommons/tiny_results_v1.0, closed/STMicroelectronics); 5,481.6 uJ x 13.759/s = "
            "75.4 mW (mlcommons/tiny_results_v1.1, closed/Krai)",
            "sleep": _belief(
                "some uA at 3 V in Stop 2 with all RAM; a table quoting DS12023 says "
                "1.2 uA, the upper end leaves room for a warm device"
            ),
        },
        notes="The reference board of MLPerf Tiny.",
    ),
    "stm32f746": Board(
        name="STM32F746G-DISCO (STM32F746NG)",
        core="m7",
        clock_hz=216 * MHZ,
        flash_bytes=1 * MI,
        ram_bytes=320 * KI,
        has_dsp=True,
        active_power_w=(3.3 * 60e-3, 3.3 * 200e-3),
        sleep_power_w=(3.3 * 0.1e-3, 3.3 * 1.0e-3),
        sources={
            "memory": "ST data sheet DS10916; mlcommons/tiny_results_v1.0, closed/plumerai/systems",
            "active": _belief("60 to 200 mA at 3.3 V, peripherals off to all on"),
            "sleep": _belief("0.1 to 1 mA at 3.3 V in Stop mode, by regulator mode and warmth"),
        },
        notes="Display and external memory of the board draw far more.",
    ),
    "stm32h7a3": Board(
        name="NUCLEO-H7A3ZI-Q (STM32H7A3ZI)",
        core="m7",
        clock_hz=280 * MHZ,
        flash_bytes=2 * MI,
        ram_bytes=1184 * KI,
        has_dsp=True,
        active_power_w=(0.1440, 0.1628),
        sleep_power_w=(3.3 * 30e-6, 3.3 * 0.5e-3),
        sources={
            "memory": "ST data sheet DS13195; tightly coupled memory is not counted",
            "active": "measured for MLPerf Tiny, keyword spotting: 2,362.1 uJ x 60.988/s = 144.1 mW"
            " (mlcommons/tiny_results_v1.1, closed/Krai); 162.8 mW at 3.3 V with SMPS "
            "(mlcommons/tiny_results_v1.0, closed/STMicroelectronics)",
            "sleep": _belief("30 uA to 0.5 mA at 3.3 V in Stop mode, by what stays powered"),
        },
    ),
    "nrf5340": Board(
        name="nRF5340 DK, application core",
        core="m33",
        clock_hz=128 * MHZ,
        flash_bytes=1 * MI,
        ram_bytes=512 * KI,
        has_dsp=True,
        active_power_w=(3.0 * 7.8e-3, 3.0 * 16e-3),
        sleep_power_w=(3.0 * 1.3e-6, 3.0 * 10e-6),
        sources={
            "memory": "Nordic nRF5340 Product Specification",
            "active": "low: Product Specification, IAPPCPU4, 7.8 mA at 128 MHz and 3 V with DC/DC "
            "converters; high: " + _belief("twice that with linear regulators, as for nRF52840"),
            "sleep": "low: Product Specification, ION_IDLE2, 1.3 uA at 3 V, but with 8 KB of RAM "
            "on; high: " + _belief("10 uA with all of it"),
        },
        notes="The network core is off.",
    ),
}


@dataclass(frozen=True)
class Fit:
    """Whether a program finds room on a board, and by how much it does not.

    Parameters
    ----------
    board
        The board.
    flash_bytes, ram_bytes
        What the program needs [B].
    """

    board: Board
    flash_bytes: int
    ram_bytes: int

    @property
    def flash_short_bytes(self) -> int:
        """By how much the flash is too small, 0 if it is not [B]."""
        return max(0, self.flash_bytes - self.board.flash_bytes)

    @property
    def ram_short_bytes(self) -> int:
        """By how much the RAM is too small, 0 if it is not [B]."""
        return max(0, self.ram_bytes - self.board.ram_bytes)

    @property
    def is_fitting(self) -> bool:
        """Whether both memories are large enough; what shares them must still find room."""
        return not (self.flash_short_bytes or self.ram_short_bytes)

    @property
    def text(self) -> str:
        """One line: what is short and by how much, or which share of each memory is taken."""
        board = self.board
        needs = (
            ("flash", self.flash_bytes, board.flash_bytes, self.flash_short_bytes),
            ("RAM", self.ram_bytes, board.ram_bytes, self.ram_short_bytes),
        )
        short = [
            f"{name} is {by:,} B short ({needed:,} B of {there:,} B)"
            for name, needed, there, by in needs
            if by
        ]
        taken = [f"{needed / there:.1%} of the {name}" for name, needed, there, _ in needs]
        return f"{board.name}: {'; '.join(short)}" if short else f"{board.name}: {', '.join(taken)}"


def fit(board: Board, *, flash_bytes: int, ram_bytes: int) -> Fit:
    """Return whether a program finds room on a board.

    Parameters
    ----------
    board
        One of `BOARDS`.
    flash_bytes
        Code and constants [B], >= 0.
    ram_bytes
        Arena, variables, input and output, and the deepest stack [B], >= 0.

    Raises
    ------
    ValueError
        If a size is negative.

    Examples
    --------
    >>> fit(BOARDS["stm32l053"], flash_bytes=31_184, ram_bytes=9_434).text
    'STM32L053R8 (NUCLEO-L053R8): RAM is 1,242 B short (9,434 B of 8,192 B)'
    >>> fit(BOARDS["stm32f103"], flash_bytes=31_184, ram_bytes=9_434).text
    'STM32F103C8 (Blue Pill): 47.6% of the flash, 46.1% of the RAM'
    """
    for name, size in (("flash_bytes", flash_bytes), ("ram_bytes", ram_bytes)):
        if size < 0:
            raise ValueError(f"{name} is {size}; give a size in bytes, >= 0")
    return Fit(board, flash_bytes, ram_bytes)


def latency_ms(board: Board, cycles: Range | None) -> Result | None:
    """Return how long cycles take at the board's clock [ms], or None where cycles are not known.

    Parameters
    ----------
    board
        One of `BOARDS`.
    cycles
        Lowest and highest count for this very core, or None if there is no such estimate.

    Returns
    -------
    Result or None
        Of kind ``modelled``, its value in the middle. None also for a core that is not in
        `CORES_WITH_CYCLES`: cycles of another core say nothing about it.

    Raises
    ------
    ValueError
        If the cycles are no range.

    Examples
    --------
    >>> latency_ms(BOARDS["stm32l4r5"], (6.70e6, 7.78e6)).describe("latency_ms")
    '60.3 ms [55.8, 64.8]'
    >>> latency_ms(BOARDS["stm32f746"], (6.70e6, 7.78e6)) is None
    True
    """
    if cycles is None or board.core not in CORES_WITH_CYCLES:
        return None
    low, high = cycles
    if not 0 < low <= high < math.inf:
        raise ValueError(f"cycles are {low}..{high}; give (low, high) with 0 < low <= high")
    low, high = (units.MS_PER_S * x / board.clock_hz for x in cycles)
    return Result((low + high) / 2, low, high, n=1, kind="modelled")


def energy_per_inference_uj(board: Board, latency: Result) -> Result:
    """Return the energy that a board takes while it computes, power times time [uJ].

    Parameters
    ----------
    board
        One of `BOARDS`.
    latency
        Of one inference [ms], from `latency_ms` or published.

    Examples
    --------
    >>> board = BOARDS["stm32l4r5"]
    >>> energy_per_inference_uj(board, latency_ms(board, (6e6, 6e6))).describe("energy_uj")
    '3,008 uJ [2,245, 3,770]'
    """
    low_w, high_w = board.active_power_w
    scale = units.UJ_PER_J / units.MS_PER_S
    low, high = low_w * latency.low * scale, high_w * latency.high * scale
    value = (low_w + high_w) / 2 * latency.value * scale
    return Result(min(max(value, low), high), low, high, n=1, kind="modelled")
