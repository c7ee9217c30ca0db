"""Room, latency and battery life on a board, asked of the lab's `labs.shared.boards`."""

from collections.abc import Mapping

from course_utils import units
from course_utils.records import Result
from labs.shared import batteries, boards

CLOCK_HZ = 1e6


def short_of(needs: Mapping[str, int], has: Mapping[str, int]) -> dict[str, int]:
    """Return how many bytes are missing of each memory that is too small.

    Parameters
    ----------
    needs, has
        Memory -> bytes, of the same memories.
    """
    missing = {}
    for name in needs:
        board = _board(flash_bytes=has[name])
        found = boards.fit(board, flash_bytes=needs[name], ram_bytes=0)
        if not found.is_fitting:
            missing[name] = found.flash_short_bytes
    return missing


def latency_ms(cycles: boards.Range, clock_hz: float) -> boards.Range:
    """Return the shortest and longest time that cycles take [ms].

    Parameters
    ----------
    cycles
        Fewest and most, > 0.
    clock_hz
        Cycles a second [1/s], > 0.
    """
    found = boards.latency_ms(_board(clock_hz=clock_hz), cycles)
    if found is None:
        raise ValueError("no cycles; give (fewest, most)")
    return found.low, found.high


def battery_days(
    energy_j: boards.Range,
    latency_ms: boards.Range,
    per_s: float,
    active_w: boards.Range,
    sleep_w: boards.Range,
) -> boards.Range:
    """Return the fewest and most days that a battery lasts.

    Parameters
    ----------
    energy_j
        In the battery [J].
    latency_ms
        Of one inference [ms].
    per_s
        Inferences a second [1/s].
    active_w, sleep_w
        Power while computing and between [W].

    Raises
    ------
    ValueError
        If the board may not keep up.
    """
    low_ah, high_ah = (each / units.S_PER_H for each in energy_j)
    battery = batteries.Battery("battery", (low_ah, high_ah), voltage_v=1.0, source="given")
    middle = sum(latency_ms) / 2
    latency = Result(middle, *latency_ms, n=1, kind="modelled")
    board = _board(active_w=active_w, sleep_w=sleep_w)
    days = batteries.battery_days(board, latency, inferences_per_s=per_s, battery=battery)
    return days.low, days.high


def _board(
    *,
    clock_hz: float = CLOCK_HZ,
    flash_bytes: int = 0,
    active_w: boards.Range = (1.0, 1.0),
    sleep_w: boards.Range = (1.0, 1.0),
) -> boards.Board:
    return boards.Board(
        name="board",
        core="m4",
        clock_hz=clock_hz,
        flash_bytes=flash_bytes,
        ram_bytes=0,
        has_dsp=True,
        active_power_w=active_w,
        sleep_power_w=sleep_w,
        sources=dict.fromkeys(boards.SOURCED, "given"),
    )
