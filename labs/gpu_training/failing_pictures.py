"""The picture of the failing job; it draws into an `Axes` and computes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.records import Result


@mpl.rc_context(plots.STYLE)
def goodput(
    axes: Axes,
    intervals_s: Sequence[float],
    *,
    shares: Sequence[Result],
    expected: Sequence[float],
    marked: Mapping[str, float],
    title: str,
) -> None:
    """Draw goodput over the interval between saves, with its uncertainty.

    Parameters
    ----------
    axes
        Of a wide figure.
    intervals_s
        Rising, > 0.
    shares, expected
        One an interval: simulated, and by the formula for a job without end.
    marked
        Names and places of vertical lines, at most three.
    title
        The sentence that the figure proves.
    """
    low, high = ([each.value - each.low for each in shares], [e.high - e.value for e in shares])
    look: dict[str, Any] = {"color": plots.COLORS[0], "linestyle": "none", "capsize": 2}
    values = [each.value for each in shares]
    axes.errorbar(intervals_s, values, yerr=[low, high], label="simulated", marker="o", **look)
    axes.plot(intervals_s, expected, color=plots.GREY, label="expected, job without end")
    for (name, place), style in zip(marked.items(), ("--", ":", "-."), strict=False):
        axes.axvline(place, color=plots.COLORS[1], linestyle=style, label=name)
    axes.set_xscale("log")
    axes.set_title(title, loc="left", weight="bold")
    axes.set(xlabel="work between two saves [s] (log)", ylabel="goodput [1]")
    axes.legend(**plots.OUTSIDE)
