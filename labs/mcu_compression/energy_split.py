"""Where the energy of an inference goes: what a published table explains, and what it does not.

The arithmetic takes less than a thousandth of what a microcontroller takes. Part of the rest can be
modelled: each instruction is fetched, decoded and controlled, and moves its operands through
registers; loads and stores reach memory. The table prices these for one processor of 45 nm at
0.9 V, not for the chip at hand. What is left over (reading flash, the clock, leakage, regulators,
everything else that is switched on) is no part of the model: it is the difference, and takes up all
its errors. The parts overlap; the split is an order of magnitude. Nothing is measured here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots, units
from course_utils.records import Result, counted
from labs.mcu_compression import operations

# The same paper as `operations.SOURCE`: an add costs about 70 pJ in all, of which 25 are the
# instruction cache, 6 the registers, and the rest control, in which the clock has its share.
FETCH_PJ = 25.0
REGISTERS_PJ = 6.0
CONTROL_PJ = 39.0
# A 32-bit word from a memory of 8 KB, and from one of 1 MB: half of what 64 bits cost there.
ACCESS_PJ = (operations.ENERGY_PJ["32-bit read, SRAM"], 50.0)
# Belief. The energy of a switch is C V^2. From 45 to 90 nm, the process of many microcontrollers,
# C doubles with the lengths; from 0.9 to 1.2 V, V^2 rises by 1.8. A newer process: no factor.
PROCESS = (1.0, 2.0, 4.0)  # lowest, middle, highest
REST = "all the rest: flash, clock, leakage"
ARITHMETIC = "arithmetic"
DEVICE = "the device, all of it"


@dataclass(frozen=True)
class Work:
    """What one inference does, as counted.

    Parameters
    ----------
    macs
        Multiply-accumulates of the network.
    instructions
        Executed, from the emulator.
    accesses
        Loads and stores together, from the emulator.

    Raises
    ------
    ValueError
        If a count is negative, or there are more accesses than instructions can make.
    """

    macs: int
    instructions: int
    accesses: int

    def __post_init__(self) -> None:
        """Refuse what no program can have done."""
        for name in ("macs", "instructions", "accesses"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; give a count, >= 0")
        if self.accesses > 16 * self.instructions:  # one instruction moves at most 16 registers
            raise ValueError(
                f"{self.accesses:,} loads and stores in {self.instructions:,} instructions; "
                "give both of the same run"
            )


def split_uj(work: Work, device: Result) -> dict[str, Result]:
    """Return the parts that the energy of one inference is made of [uJ].

    Parameters
    ----------
    work
        Of the program that the energy belongs to: another's energy gives a mixed answer.
    device
        Energy of one inference [uJ], modelled from a board's power or published.

    Returns
    -------
    dict
        Part -> result of kind ``modelled``; `REST` is `device` less all others. A lower end of 0
        there says that the model may explain everything.

    Raises
    ------
    ValueError
        If even the lowest estimate of the parts is more than the device takes.

    Examples
    --------
    >>> work = Work(macs=2_656_768, instructions=5_677_175, accesses=2_500_000)
    >>> parts = split_uj(work, operations.DEVICE_INFERENCE_UJ)
    >>> for name, part in parts.items():
    ...     print(name, part.describe("energy_uj"))
    all the rest: flash, clock, leakage 4,607 uJ [3,389, 5,071]
    fetching instructions 284 uJ [142, 568]
    control 443 uJ [221, 886]
    registers 68.1 uJ [34.1, 136]
    loads and stores 79.1 uJ [12.5, 500]
    arithmetic 1.59 uJ [0.797, 3.19]
    """
    mac_pj = sum(operations.ENERGY_PJ[operation] for operation in operations.INT8_MAC)
    parts = {
        "fetching instructions": _part(work.instructions, FETCH_PJ, FETCH_PJ),
        "control": _part(work.instructions, CONTROL_PJ, CONTROL_PJ),
        "registers": _part(work.instructions, REGISTERS_PJ, REGISTERS_PJ),
        "loads and stores": _part(work.accesses, *ACCESS_PJ),
        ARITHMETIC: _part(work.macs, mac_pj, mac_pj),
    }
    least = sum(part.low for part in parts.values())
    if least > device.high:
        raise ValueError(
            f"the parts take at least {least:,.0f} uJ, the device {device.high:,.0f} uJ; "
            "give the work and the energy of the same inference"
        )
    rest = device.value - sum(part.value for part in parts.values())
    low = max(0.0, device.low - sum(part.high for part in parts.values()))
    high = device.high - least
    rest = min(max(rest, low), high)
    return {REST: Result(rest, low, high, n=1, kind="modelled"), **parts}


def share_percent(part: Result, device: Result) -> Result:
    """Return which share of the device's energy a part is [%], with the interval of both.

    Examples
    --------
    >>> mac = Result(1.6, 0.8, 3.2, n=1, kind="modelled")
    >>> share_percent(mac, operations.DEVICE_INFERENCE_UJ).describe("share_percent")
    '0.0292 % [0.0146, 0.0584]'
    """
    return Result(
        100 * part.value / device.value,
        100 * part.low / device.high,
        min(100.0, 100 * part.high / device.low),
        n=1,
        kind="modelled",
    )


@mpl.rc_context(plots.STYLE)
def picture(axes: Axes, parts: Mapping[str, Result], *, device: Result, title: str) -> plots.Rows:
    """Draw each part as a range on a log axis, with its middle and the range of its share.

    A range that reaches down to 0 runs into the left edge.

    Parameters
    ----------
    axes
        Of a wide figure.
    parts
        From `split_uj`, from top to bottom.
    device
        What was split [uJ]; drawn hollow where it was taken from elsewhere.
    title
        The sentence that the figure proves.
    """
    everything = {DEVICE: device, **parts}
    ends = [x for each in everything.values() for x in (each.low, each.value) if x > 0]
    floor = min(ends) / 3
    rows: plots.Rows = []
    for place, (name, part) in enumerate(everything.items()):
        share = counted(100) if name == DEVICE else share_percent(part, device)
        _draw(axes, part, place=place, floor=floor)
        axes.annotate(
            f"{units.format_number(part.value)} uJ{'' if name == DEVICE else _told(share)}",
            (max(part.high, floor), place),
            (6, 0),
            textcoords="offset points",
            va="center",
            size=7,
        )
        rows.append({"name": name, "energy_uj": part, "share_percent": share})
    axes.set_xscale("log")
    axes.set_xlim(floor, max(each.high for each in everything.values()) * 20)
    axes.set_yticks(range(len(everything)), list(everything))
    axes.set_ylim(len(everything) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("energy of one inference [uJ] (log)")
    axes.set_title(title, loc="left", weight="bold")
    return rows


def alt(rows: plots.Rows) -> str:
    """Return what `picture` shows as text.

    Parameters
    ----------
    rows
        As `picture` returned them.
    """
    told = [
        f"{row['name']}: {row['energy_uj'].describe('energy_uj')}"
        f" ({row['share_percent'].describe('share_percent')})"
        for row in rows
    ]
    return f"Ranges of energy on a log axis, from top to bottom: {'; '.join(told)}."


def _told(share: Result) -> str:
    low, high = (units.format_number(x, digits=2) for x in (share.low, share.high))
    return f": {low} to {high} %"


def _part(count: int, low_pj: float, high_pj: float) -> Result:
    """Return an energy for so many events, in the middle that of the mean in the log [uJ]."""
    middle = (low_pj * high_pj) ** 0.5
    low, value, high = (
        count * pj * factor / operations.PJ_PER_UJ
        for pj, factor in zip((low_pj, middle, high_pj), PROCESS, strict=True)
    )
    return Result(min(max(value, low), high), low, high, n=1, kind="modelled")


def _draw(axes: Axes, part: Result, *, place: int, floor: float) -> None:
    color = plots.COLORS[1 if part.kind == "assumed" else 0]
    axes.hlines(place, max(part.low, floor), max(part.high, floor), color=color, linewidth=3)
    face = "white" if part.kind == "assumed" else color
    marker = "D" if part.kind == "assumed" else "o"
    if part.value > 0:
        axes.plot([part.value], [place], color=color, marker=marker, mfc=face, linestyle="")
