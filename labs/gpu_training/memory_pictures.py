"""Draws what a training step holds, and what becomes of it when the batch comes in pieces.

Each function takes axes and data, draws, and returns the rows it drew; nothing is counted here.
"""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.plots import Rows
from course_utils.records import Result
from labs.gpu_training.allocations import StepMemory

MB_BYTES = 1e6


@mpl.rc_context(plots.STYLE)
def step_timeline(axes: Axes, step: StepMemory, *, account_bytes: float, title: str) -> Rows:
    """Draw the bytes alive over the operations of one step, with the account as a line.

    Rows: ``operation, alive_bytes``.
    """
    alive_mb = [each / MB_BYTES for each in step.trace]
    ends = (0, *step.ends, len(alive_mb))
    axes.fill_between(range(len(alive_mb)), alive_mb, color=plots.COLORS[0], alpha=0.4)
    axes.plot(alive_mb, color=plots.COLORS[0], linewidth=1, label="alive, counted")
    account_mb = account_bytes / MB_BYTES
    axes.axhline(account_mb, color=plots.COLORS[1], linestyle="--", label="account of the peak")
    states_mb = (step.weights_bytes + step.optimizer_bytes) / MB_BYTES
    axes.axhline(states_mb, color="black", linestyle=":", label="weights, optimiser")
    for here, there in itertools.pairwise(ends[:-1]):
        axes.axvline(there, color=plots.GREY, linewidth=0.6)
        name = "forward" if here == 0 else "backward"
        axes.text((here + there) / 2, max(alive_mb) * 1.06, name, size=7, ha="center")
    axes.text((ends[2] + ends[3]) / 2, max(alive_mb) * 1.06, "update", size=7, ha="center")
    axes.set(xlim=(0, len(alive_mb)), ylim=(0, max(alive_mb) * 1.18))
    axes.set(xlabel="operations done [1]", ylabel="alive [MB]")
    axes.legend(**plots.OUTSIDE)
    axes.set_title(title, loc="left", weight="bold")
    return [{"operation": place, "alive_bytes": each} for place, each in enumerate(step.trace)]


@mpl.rc_context(plots.STYLE)
def against_pieces(
    axes: Axes, series: Mapping[str, Sequence[tuple[int, Result]]], *, y_label: str, title: str
) -> Rows:
    """Draw series of quantities against the sequences of a piece, both axes from 0 upwards.

    Rows: ``name, size, value`` of each point.
    """
    rows: Rows = []
    for look, (name, points) in zip(plots.LOOKS, series.items(), strict=False):
        sizes = [size for size, _ in points]
        values = [result.value for _, result in points]
        arms = [[r.value - r.low for _, r in points], [r.high - r.value for _, r in points]]
        axes.errorbar(sizes, values, yerr=arms, elinewidth=0.8, markersize=4, label=name, **look)
        rows += [{"name": name, "size": size, "value": y.value} for size, y in points]
    axes.set(ylim=(0, None), xlim=(0, None), xlabel="sequences of a piece [1]", ylabel=y_label)
    axes.set_xticks(sorted({row["size"] for row in rows}))
    axes.legend()
    axes.set_title(title, loc="left", weight="bold")
    return rows
