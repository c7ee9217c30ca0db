"""The picture that only this lab draws: ranges by name, as bars on a logarithmic axis.

It draws into an `Axes` and computes nothing; everything else comes from `course_utils.plots`.
"""

import math
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter

from course_utils import plots

Pair = tuple[float, float]


class _Plain(LogFormatter):
    """Writes 0.3 where a logarithmic axis would write 3e-01."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


@mpl.rc_context(plots.STYLE)
def range_bars(
    axes: Axes, bars: Mapping[str, Pair], *, x_label: str, title: str, mark: Pair | None = None
) -> list[dict[str, Any]]:
    """Draw each range as a bar between its ends; an infinite end is an arrow.

    Parameters
    ----------
    axes
        Of a wide figure.
    bars
        Low and high by name, above 0; one of them or both may be infinite.
    x_label, title
        Quantity with its unit, and the sentence that the figure proves.
    mark
        A band to compare with.

    Returns
    -------
    list
        A row a bar: ``name``, ``low``, ``high``.
    """
    finite = [end for pair in bars.values() for end in pair if math.isfinite(end)]
    edge = 4 * max([*finite, *(mark or ())])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(_Plain(labelOnlyBase=False, minor_thresholds=(2, 0.5)))
    if mark is not None:
        axes.axvspan(*mark, color="0.85", zorder=0)
    for place, (low, high) in enumerate(bars.values()):
        ends = min(low, edge), min(high, edge)
        axes.plot(ends, (place, place), color=plots.COLORS[0], linewidth=3, zorder=2)
        for end in (low, high):
            marker = "|" if math.isfinite(end) else ">"
            axes.plot(min(end, edge), place, marker, color="black", markersize=7, zorder=3)
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(x_label.replace("]", "] (log)"))
    axes.set_title(title, loc="left", weight="bold", wrap=True)
    return [{"name": name, "low": low, "high": high} for name, (low, high) in bars.items()]
