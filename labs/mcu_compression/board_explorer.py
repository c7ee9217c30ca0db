"""Sliders over bits, width and sparsity, with flash, RAM and latency on each board.

What it leaves in the notebook is an ordinary picture with its text. What a setting needs comes from
a function that is handed in (`rollout.footprint_on`); nothing is measured here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots, units
from course_utils.records import Result
from labs.mcu_compression.footprints import Footprint
from labs.shared import boards
from labs.shared.boards import BOARDS, Board
from labs.shared.sliders import show_with_sliders

LOWEST_PERCENT, HIGHEST_PERCENT = 0.1, 1_000.0
UNKNOWN = "not known"
FLASH, RAM = ({**look, "linestyle": "", "markersize": 4} for look in plots.LOOKS[:2])
APART = 0.15  # of the two marks in a row


@dataclass(frozen=True, repr=False)
class BoardExplorer:
    """Which share of each board's memories a network takes, and how long it computes.

    Parameters
    ----------
    footprint
        ``footprint(core, width=..., bits=..., sparsity=...)``, with the core of the board.
    data
        Name of the network that was measured, for the foot of the figure.
    boards
        From top to bottom.
    deadline_ms
        A result is wanted within [ms].
    bits, width, sparsity
        What is shown first.
    """

    footprint: Callable[..., Footprint] = field(repr=False)
    data: str
    boards: Sequence[Board] = tuple(BOARDS.values())
    deadline_ms: float = 100.0
    bits: int = 8
    width: float = 1.0
    sparsity: float = 0.0

    @mpl.rc_context(plots.STYLE)
    def picture(self, bits: int, width: float, *, sparsity: float) -> plots.Picture:
        """Return the shares of both memories on each board, with the latency beside them.

        Each weight has so many `bits`, the share `sparsity` of them is zero, and the network has a
        `width`. A board counts as large enough if it is so at the upper end of every interval.
        """
        setting = {"width": width, "bits": bits, "sparsity": sparsity}
        needs = [self.footprint(board.core, **setting) for board in self.boards]
        need = needs[0]
        figure, axes = plots.new_figure(data=f"{self.data}; {_kind(need)}", wide=True)
        both = list(zip(self.boards, needs, strict=True))
        fits = [_fit(board, each) for board, each in both]
        times = [latency(board, each) for board, each in both]
        for place, ((board, each), fitting) in enumerate(zip(both, fits, strict=True)):
            _draw(axes, board, each, place=place, is_fitting=fitting.is_fitting)
        said = [self._time(time) for time in times]
        _finish(axes, [board.name for board in self.boards])
        without = "no wait states" + ("\nand no unpacking" if need.is_packed else "")
        _write_times(axes, said, label=f"latency, {without}")
        count = sum(fitting.is_fitting for fitting in fits)
        what = f"{bits} bit, width {width:g}, {sparsity:.0%} zeros"
        title = f"{what}: room on {count} of {len(fits)} boards"
        axes.set_title(title, loc="left", weight="bold")
        told = [f"{fitting.text}; {time}" for fitting, time in zip(fits, said, strict=True)]
        more = " What unpacking weights takes is not counted." if need.is_packed else ""
        wanted = f"Latency wanted: {self.deadline_ms:g} ms."
        return plots.show(figure, alt=f"{title}. {wanted}{more} {'. '.join(told)}.")

    def _time(self, time: Result | None) -> str:
        """Return a latency as text, and whether it is late."""
        if time is None:
            return UNKNOWN
        low, high = (units.format_number(x, digits=2) for x in (time.low, time.high))
        said = f"{low} to {high} ms"
        if time.low > self.deadline_ms:
            return f"{said}, late"
        return f"{said}, late?" if time.high > self.deadline_ms else said

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            bits=("IntSlider", self.bits, (2, 8, 1)),
            width=("FloatSlider", self.width, (0.25, 1.0, 0.05)),
            sparsity=("FloatSlider", self.sparsity, (0.0, 0.9, 0.05)),
        )


def latency(board: Board, need: Footprint) -> Result | None:
    """Return how long a network computes on a board [ms], or None where cycles are not known.

    Parameters
    ----------
    board
        The board.
    need
        With the cycles of its core, or without.
    """
    return boards.latency_ms(board, need.cycles.get(board.core))


def _fit(board: Board, need: Footprint) -> boards.Fit:
    return boards.fit(board, flash_bytes=round(need.flash.high), ram_bytes=round(need.ram.high))


def _kind(need: Footprint) -> str:
    kinds = {need.flash.kind, need.ram.kind}
    return "counted" if kinds == {"counted"} else "modelled from what was counted at other settings"


def _draw(axes: Axes, board: Board, need: Footprint, *, place: int, is_fitting: bool) -> None:
    """Draw the shares of one board: filled where it is large enough, hollow where it is not."""
    for look, needed, there, above in (
        (FLASH, need.flash, board.flash_bytes, -APART),
        (RAM, need.ram, board.ram_bytes, APART),
    ):
        low, value, high = (100 * x / there for x in (needed.low, needed.value, needed.high))
        face = look["color"] if is_fitting else "white"
        arms = [[value - low], [high - value]]
        axes.errorbar([value], [place + above], xerr=arms, mfc=face, **look)


def _finish(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(LOWEST_PERCENT, HIGHEST_PERCENT)
    axes.axvline(100, color="black", linestyle="--", linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    ticks = (0.1, 1, 10, 100, 1_000)
    axes.set_xticks(ticks, [f"{x:,g}" for x in ticks])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of the memory that is taken [%] (log); dashed: all of it")
    for look, name in ((FLASH, "flash"), (RAM, "RAM")):
        axes.plot([], [], label=name, **look)
    axes.legend(loc="lower right")


def _write_times(axes: Axes, times: Sequence[str], *, label: str) -> None:
    """Write a latency beside each board."""
    beside = axes.twinx()
    beside.set_ylim(axes.get_ylim())
    beside.set_yticks(range(len(times)), times)
    beside.tick_params(labelsize=7, length=0)
    beside.set_ylabel(label, size=7)
    beside.grid(visible=False)
