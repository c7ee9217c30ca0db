"""The pictures of programs and layouts; each draws into an `Axes` and returns its data."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.records import Result
from labs.seminar.inference_performance.contests import WAYS, Outcome

MARKERS = "osD^vP"


@mpl.rc_context(plots.STYLE)
def race_times(
    axes: Axes, outcomes: Sequence[Outcome], *, title: str
) -> dict[str, dict[str, Result]]:
    """Draw the time of a row in each of the three ways, one marker a program.

    Parameters
    ----------
    axes
        Of a wide figure.
    outcomes
        At most six.
    title
        What it proves.

    Returns
    -------
    dict
        Program to way to time [ns].
    """
    drawn = {one.name: {way: one.result(way) for way in WAYS} for one in outcomes}
    shift = 0.6 / max(1, len(outcomes))
    for number, (name, times) in enumerate(drawn.items()):
        places = np.arange(len(WAYS)) + shift * (number - (len(outcomes) - 1) / 2)
        values = np.array([times[way].value for way in WAYS])
        ends = np.array([[times[way].low, times[way].high] for way in WAYS]).T
        axes.errorbar(
            places,
            values,
            yerr=np.abs(ends - values),
            label=name,
            linestyle="none",
            marker=MARKERS[number],
            color=plots.COLORS[number],
            markerfacecolor="white" if number % 2 else plots.COLORS[number],
        )
    axes.set_yscale("log")
    axes.set_xticks(range(len(WAYS)), WAYS)
    axes.set_ylabel("time of a row [ns] (log)")
    axes.set_title(title, loc="left", weight="bold")
    axes.legend(**plots.OUTSIDE)
    return drawn


@mpl.rc_context(plots.STYLE)
def line_shares(
    axes: Axes, touched: Mapping[str, npt.NDArray[np.integer[Any]]], *, title: str
) -> dict[str, list[float]]:
    """Draw which share of rows needs at most so many lines of the cache, one curve a layout.

    Parameters
    ----------
    axes
        Of a narrow or wide figure.
    touched
        Name of a layout to the lines that each row touches.
    title
        What it proves.

    Returns
    -------
    dict
        Name to the sorted lines.
    """
    drawn = {}
    for number, (name, lines) in enumerate(touched.items()):
        ordered = np.sort(lines)
        shares = np.arange(1, len(ordered) + 1) / len(ordered)
        axes.step(
            ordered,
            shares,
            where="post",
            label=name,
            color=plots.COLORS[number],
            linestyle=("-", "--", ":", "-.")[number % 4],
        )
        drawn[name] = ordered.astype(float).tolist()
    axes.set_xlabel("cache lines of nodes that a row touches [1]")
    axes.set_title(title, loc="left", weight="bold")
    axes.set_ylabel("share of rows [1]")
    axes.set_ylim(0, 1)
    axes.legend(**plots.OUTSIDE)
    return drawn
