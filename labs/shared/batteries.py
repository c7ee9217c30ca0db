"""How long a battery lasts when a board computes now and then and sleeps between.

The mean power is active power x busy share + sleep power x the rest. Every input is a range, so
the answer is one; its ends are reached when all that can go wrong does, or nothing. A battery's own
discharge, its loss in the cold and under high currents, and everything that `boards` leaves out
are not in it. Nothing is measured here.
"""

import math
from dataclasses import dataclass, field

from course_utils import units
from course_utils.records import Result
from labs.shared.boards import Board, Range

S_PER_DAY = 24 * units.S_PER_H


@dataclass(frozen=True)
class Battery:
    """A battery.

    Parameters
    ----------
    name
        What to ask for in a shop.
    capacity_ah
        Lowest and highest charge that can be used [Ah]; 1 Ah is 1,000 mAh.
    voltage_v
        Mean voltage while it is used [V].
    source
        Where the numbers are from.

    Raises
    ------
    ValueError
        If the capacity is no range or the voltage not positive.

    Examples
    --------
    >>> Battery("coin cell", (0.2, 0.2), voltage_v=3.0, source="here").energy_j
    (2160.0, 2160.0)
    """

    name: str
    capacity_ah: Range
    voltage_v: float
    source: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no battery."""
        low, high = self.capacity_ah
        if not (0 < low <= high < math.inf and 0 < self.voltage_v < math.inf):
            raise ValueError(
                f"{self.name} has {low}..{high} Ah at {self.voltage_v} V; give 0 < low <= high"
            )

    @property
    def energy_j(self) -> Range:
        """Lowest and highest energy in it [J]."""
        low, high = (ah * units.S_PER_H * self.voltage_v for ah in self.capacity_ah)
        return low, high


BATTERIES: dict[str, Battery] = {
    "CR2032": Battery(
        "CR2032 coin cell",
        (0.150, 0.225),
        voltage_v=3.0,
        source="high: Panasonic, 225 mAh nominal at 3 V; low: belief, for pulses of some mA. More "
        "than about 15 mA (belief) it cannot give without a capacitor beside it",
    ),
    "2 x AA": Battery(
        "two AA cells, alkaline",
        (1.8, 2.8),
        voltage_v=2.5,
        source="belief: capacity of common brands down to 0.9 V a cell, at small currents",
    ),
    "LiPo": Battery(
        "lithium polymer cell, 500 mAh",
        (0.4, 0.5),
        voltage_v=3.7,
        source="belief: 80 to 100 % of what is printed on it",
    ),
}


def average_power_w(board: Board, latency: Result, *, inferences_per_s: float) -> Result:
    """Return the mean power of a board that computes so often and sleeps between [W].

    Parameters
    ----------
    board
        One of `boards.BOARDS`.
    latency
        Of one inference [ms], from `boards.latency_ms` or published.
    inferences_per_s
        How often a result is wanted [1/s], >= 0.

    Raises
    ------
    ValueError
        If the rate is no such number, or the board cannot or may not keep up with it.

    Examples
    --------
    Ten times a second at 50 ms is half of the time: 0.5 x 9.9 to 18.9 mW, and next to nothing.

    >>> from labs.shared.boards import BOARDS
    >>> busy = Result(50.0, 50.0, 50.0, n=1, kind="modelled")
    >>> power = average_power_w(BOARDS["nrf52840"], busy, inferences_per_s=10)
    >>> power.describe("power_w")
    '0.0072 W [0.00495, 0.00945]'
    """
    low, value, high = _busy_shares(board, latency, inferences_per_s)
    active, sleep = board.active_power_w, board.sleep_power_w
    least = _mixed(active[0], sleep[0], low)
    most = _mixed(active[1], sleep[1], high)
    middle = _mixed(sum(active) / 2, sum(sleep) / 2, value)
    return _modelled(middle, least, most)


def battery_days(
    board: Board, latency: Result, *, inferences_per_s: float, battery: Battery
) -> Result:
    """Return how many days a battery lasts: its energy by the mean power.

    Parameters
    ----------
    board
        One of `boards.BOARDS`.
    latency
        Of one inference [ms], from `boards.latency_ms` or published.
    inferences_per_s
        How often a result is wanted [1/s], >= 0.
    battery
        One of `BATTERIES`, or another.

    Returns
    -------
    Result
        Of kind ``modelled``; its value is that of the middles of all ranges.

    Raises
    ------
    ValueError
        If the rate is no such number, or the board cannot or may not keep up with it.

    Examples
    --------
    >>> from labs.shared.boards import BOARDS
    >>> busy = Result(110.0, 105.0, 122.0, n=1, kind="modelled")
    >>> days = battery_days(
    ...     BOARDS["nrf52840"], busy, inferences_per_s=1, battery=BATTERIES["CR2032"]
    ... )
    >>> days.describe("battery_days")
    '14.7 [8.1, 26.9]'
    """
    power = average_power_w(board, latency, inferences_per_s=inferences_per_s)
    low_j, high_j = battery.energy_j
    least, most = low_j / power.high / S_PER_DAY, high_j / power.low / S_PER_DAY
    return _modelled((low_j + high_j) / 2 / power.value / S_PER_DAY, least, most)


def _busy_shares(board: Board, latency: Result, rate: float) -> tuple[float, float, float]:
    """Return the lowest, middle and highest share of the time that the board computes."""
    if not 0 <= rate < math.inf:
        raise ValueError(f"inferences_per_s is {rate}; give a number >= 0")
    shares = [x * rate / units.MS_PER_S for x in (latency.low, latency.value, latency.high)]
    if shares[2] > 1:
        verb = "cannot" if shares[0] > 1 else "may not"
        raise ValueError(
            f"{board.name} {verb} keep up with {rate:g} inferences a second: one takes "
            f"{latency.describe('latency_ms')}; ask at most "
            f"{units.MS_PER_S / latency.high:.3g} a second, or make the network faster"
        )
    return shares[0], shares[1], shares[2]


def _mixed(active_w: float, sleep_w: float, share: float) -> float:
    return active_w * share + sleep_w * (1 - share)


def _modelled(value: float, low: float, high: float) -> Result:
    """Return a result whose value rounding has not put beside its interval."""
    return Result(min(max(value, low), high), low, high, n=1, kind="modelled")
