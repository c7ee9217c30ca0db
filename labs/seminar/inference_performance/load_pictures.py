"""The pictures of calls and loads; everything else comes from `course_utils.plots`.

Each draws into an `Axes`, computes nothing but what its title says, and returns what it drew.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from course_utils import plots
from course_utils.units import MS_PER_S
from labs.seminar.inference_performance.calls import CallCost, Calls
from labs.seminar.inference_performance.runs import Run


@mpl.rc_context(plots.STYLE)
def call_times(
    axes: Axes, programs: Mapping[str, tuple[Calls, CallCost]], *, title: str
) -> list[dict[str, Any]]:
    """Draw the time of a call against its rows, and the line told, both on log axes.

    Parameters
    ----------
    axes
        Of a wide figure.
    programs
        Name to calls and the line through them.
    title
        What it proves.

    Returns
    -------
    list
        ``name, x, y`` of each point, y a `Result` [us].
    """
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    series = {}
    for i, (name, (calls, cost)) in enumerate(programs.items()):
        series[name] = [
            (float(n), time_us) for n, time_us in zip(calls.rows, calls.results_us, strict=True)
        ]
        rows = np.geomspace(min(calls.rows), max(calls.rows), 100)
        told_us = cost.overhead_us.value + rows * cost.work_us.value
        is_drawn = told_us > 0  # a log axis has no place for the rest
        axes.plot(rows[is_drawn], told_us[is_drawn], color=plots.COLORS[i], linewidth=0.7)
    label_plainly(axes)
    axes.set_xticks(sorted({n for calls, _ in programs.values() for n in calls.rows}))
    labels = {"x_label": "rows of a call [1]", "y_label": "time of a call [us]"}
    return plots.learning_curve(axes, series, **labels, title=title)


@mpl.rc_context(plots.STYLE)
def latency_distributions(
    axes: Axes, runs: Mapping[str, Run], *, title: str
) -> dict[str, dict[int, float]]:
    """Draw the share of queries that were answered within a time, on a log axis, and the bounds.

    Parameters
    ----------
    axes
        Of a wide figure.
    runs
        Name to run, at most 7, each with 5 queries or more.
    title
        What it proves.

    Returns
    -------
    dict
        Name to the percentiles that its queries support [ms].
    """
    axes.set_xscale("log")
    samples = {name: MS_PER_S * run.latencies_s for name, run in runs.items()}
    for bound_s in sorted({run.bound_s for run in runs.values() if run.bound_s is not None}):
        axes.axvline(MS_PER_S * bound_s, color="black", linewidth=0.8, linestyle=":")
    label_plainly(axes)
    plots.distribution(axes, samples, x_label="latency of a query [ms]", title=title)
    return {
        name: {percent: result.value for percent, result in run.percentiles_ms().items()}
        for name, run in runs.items()
    }


@mpl.rc_context(plots.STYLE)
def batch_sizes(axes: Axes, runs: Mapping[str, Run], *, title: str) -> dict[str, dict[int, float]]:
    """Draw which share of the samples was served in batches of which size, bars side by side.

    Parameters
    ----------
    axes
        Of a wide figure.
    runs
        Name to run, at most 7.
    title
        What it proves.

    Returns
    -------
    dict
        Name to size to share of the samples; sizes above 8 go by powers of two, from just above the
        one to the next, and are named by the largest.
    """
    shares: dict[str, dict[int, float]] = {}
    for name, run in runs.items():
        counts: Counter[int] = Counter()
        for size in run.batches:
            counts[_bin(size)] += size
        shares[name] = {size: counts[size] / sum(run.batches) for size in sorted(counts)}
    sizes = sorted({size for each in shares.values() for size in each})
    width = 0.8 / len(runs)
    for i, (name, each) in enumerate(shares.items()):
        places = np.arange(len(sizes)) + (i - (len(runs) - 1) / 2) * width
        heights = [each.get(size, 0.0) for size in sizes]
        axes.bar(places, heights, width, label=name, **plots.FACES[i])
    names = [f"{size}" if size <= 8 else f"{size // 2 + 1} to {size}" for size in sizes]
    axes.set_xticks(range(len(sizes)), names)
    axes.set_xlabel("samples of a batch [1]")
    axes.set_ylabel("share of all samples [1]")
    axes.set_title(title, loc="left", weight="bold")
    axes.legend()
    return shares


def label_plainly(axes: Axes) -> None:
    """Write the ticks of log axes as plain numbers, of the small ones those at 2 and 5.

    Parameters
    ----------
    axes
        Those of its axes that are not logarithmic are left as they are.
    """
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.6g}"))
            axis.set_minor_formatter(FuncFormatter(_two_and_five))


def _two_and_five(x: float, _: object) -> str:
    return f"{x:,.6g}" if f"{x:e}"[0] in "25" else ""


def _bin(size: int) -> int:
    """Return the size itself up to 8, above it the next power of two."""
    return size if size <= 8 else 1 << (size - 1).bit_length()
