"""Draws how many activations are held call by call, and what checkpoints save and cost.

Each function takes axes and data, draws, and returns the rows it drew; nothing is counted here.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.plots import Rows
from course_utils.records import Result


@mpl.rc_context(plots.STYLE)
def held_over_calls(axes: Axes, traces: Mapping[str, Sequence[int]], *, title: str) -> Rows:
    """Draw the activations held after each call, a line for each of some traces.

    Rows: ``name, call, held``.
    """
    rows: Rows = []
    for look, (name, trace) in zip(plots.LOOKS, traces.items(), strict=False):
        style = {"color": look["color"], "linestyle": look["linestyle"]}
        axes.step(range(1, len(trace) + 1), trace, where="post", label=name, **style)
        rows += [{"name": name, "call": n, "held": held} for n, held in enumerate(trace, 1)]
    axes.set(xlim=(0, None), ylim=(0, None), xlabel="calls done [1]", ylabel="held [activations]")
    axes.legend(**plots.OUTSIDE)
    axes.set_title(title, loc="left", weight="bold")
    return rows


@mpl.rc_context(plots.STYLE)
def saved_and_paid(
    axes: Axes, curves: Mapping[str, Sequence[tuple[int, Result]]], *, title: str
) -> Rows:
    """Draw curves against the number of segments (log), as shares of the run without checkpoints.

    Rows: ``name, segments, share`` of each point.
    """
    rows: Rows = []
    for look, (name, points) in zip(plots.LOOKS, curves.items(), strict=False):
        values = [share.value for _, share in points]
        arms = [[s.value - s.low for _, s in points], [s.high - s.value for _, s in points]]
        x = [segments for segments, _ in points]
        axes.errorbar(x, values, yerr=arms, elinewidth=0.8, markersize=4, label=name, **look)
        rows += [{"name": name, "segments": n, "share": s.value} for n, s in points]
    axes.axhline(1, color=plots.GREY, linewidth=0.7)
    axes.set_xscale("log", base=2)
    ticks = sorted({row["segments"] for row in rows})
    axes.set_xticks(ticks, [f"{each:g}" for each in ticks])
    axes.minorticks_off()
    axes.set(ylim=(0, None), xlabel="segments [1] (log)", ylabel="share of no checkpoints [1]")
    axes.legend(**plots.OUTSIDE)
    axes.set_title(title, loc="left", weight="bold")
    return rows
