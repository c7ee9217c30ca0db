"""The pictures that only this lab draws; everything else comes from `course_utils.plots`.

Each draws into an `Axes` and computes nothing but what its title says.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from course_utils import plots
from course_utils.records import Result, counted
from labs.seminar.ml_systems_metrics.configurations import Measured
from labs.seminar.ml_systems_metrics.hierarchy import Curve
from labs.seminar.ml_systems_metrics.pitfalls import Pitfall
from labs.seminar.ml_systems_metrics.suspect import Log

KINDS = ("surely", "possibly", "dominated")
LOOKS: tuple[dict[str, Any], ...] = (
    {"marker": "o", "color": plots.COLORS[0]},
    {"marker": "^", "color": plots.COLORS[1], "markerfacecolor": "white"},
    {"marker": "x", "color": plots.GREY},
)
Levels = Sequence[tuple[float, float]]


@mpl.rc_context(plots.STYLE)
def latency_curve(axes: Axes, curve: Curve, *, levels: Levels, title: str) -> list[float]:
    """Draw the time of a load against the size covered, with a line where each level ends.

    Parameters
    ----------
    axes
        Of a wide figure.
    curve
        As measured.
    levels
        ``(capacity_bytes, latency_ns)`` each, as exercise 8.2 finds them.
    title
        What it proves.

    Returns
    -------
    list
        Where the lines stand [KiB].
    """
    kib = [size / 1024 for size in curve.sizes_bytes]
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    fastest = [
        Result(x, x, x, n=curve.samples_ns.shape[1], kind="measured") for x in curve.fastest_ns
    ]
    series = {
        "median of repeats": list(zip(kib, curve.results, strict=True)),
        "fastest repeat": list(zip(kib, fastest, strict=True)),
    }
    ends = [capacity / 1024 for capacity, _ in levels]
    for end, (_, latency_ns) in zip(ends, levels, strict=True):
        axes.axvline(end, color="black", linewidth=0.8, linestyle=":")
        axes.annotate(
            f"{latency_ns:.3g} ns up to {end:,.0f} KiB",
            (end, latency_ns),
            (-3, 5),
            textcoords="offset points",
            ha="right",
            size=7,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )
    labels = {"x_label": "working set [KiB]", "y_label": "one load [ns]"}
    plots.learning_curve(axes, series, title=title, **labels)
    ticks = [4**power for power in range(1, 9) if 4**power <= kib[-1]]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    return ends


@mpl.rc_context(plots.STYLE)
def stride_curve(axes: Axes, curve: Curve, *, title: str) -> list[tuple[float, Result]]:
    """Draw the time of an independent load against its stride, on log axes.

    Parameters
    ----------
    axes
        Of a narrow figure.
    curve
        Strides as its sizes.
    title
        What it proves.

    Returns
    -------
    list
        Stride [B] and time [ns] of each point.
    """
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    points = list(zip(map(float, curve.sizes_bytes), curve.results, strict=True))
    labels = {"x_label": "stride [B]", "y_label": "one load [ns]"}
    plots.learning_curve(axes, {"sum": points}, title=title, **labels)
    return points


@mpl.rc_context(plots.STYLE)
def loss_curves(axes: Axes, runs: Mapping[str, Log], *, title: str) -> dict[str, float]:
    """Draw the training loss of some runs against their steps.

    Parameters
    ----------
    axes
        Of a narrow figure.
    runs
        Name to log.
    title
        What it proves.

    Returns
    -------
    dict
        Name to last loss.
    """
    series = {
        name: [(float(step), counted(float(loss))) for step, loss in enumerate(log.losses)]
        for name, log in runs.items()
    }
    plots.learning_curve(axes, series, x_label="step [1]", y_label="loss [1]", title=title)
    return {name: float(log.losses[-1]) for name, log in runs.items()}


@mpl.rc_context(plots.STYLE)
def factors(axes: Axes, pitfalls: Sequence[Pitfall], *, title: str) -> list[float]:
    """Draw by which factor each wrong number is off, on a log axis, with its interval.

    Parameters
    ----------
    axes
        Of a wide figure.
    pitfalls
        Drawn from top to bottom; modelled ones hollow.
    title
        What it proves.

    Returns
    -------
    list
        The factors.
    """
    axes.set_xscale("log")
    axes.axvline(1, color=plots.GREY, linewidth=0.8)
    for place, pitfall in enumerate(pitfalls):
        factor = pitfall.factor
        arms = [[factor.value - factor.low], [factor.high - factor.value]]
        face = "white" if pitfall.kind == "modelled" else plots.COLORS[0]
        look: dict[str, Any] = {
            "color": plots.COLORS[0],
            "markerfacecolor": face,
            "elinewidth": 0.8,
        }
        axes.errorbar([factor.value], [place], xerr=arms, marker="o", linestyle="", **look)
    axes.set_yticks(range(len(pitfalls)), [pitfall.name for pitfall in pitfalls])
    axes.invert_yaxis()
    axes.set_xlabel("wrong over right [1] (log); hollow: times were drawn")
    axes.set_title(title, loc="left", weight="bold")
    return [pitfall.factor.value for pitfall in pitfalls]


@mpl.rc_context(plots.STYLE)
def tails(axes: Axes, series: Mapping[str, Sequence[float]], *, title: str) -> dict[str, float]:
    """Draw latencies against the share of requests that are slower, both on log axes.

    Parameters
    ----------
    axes
        Of a wide figure.
    series
        Name to latencies [us], each at least 100.
    title
        What it proves.

    Returns
    -------
    dict
        Name to the 99th percentile [us], nearest rank.
    """
    p99_us = {}
    for i, (name, values) in enumerate(series.items()):
        ordered = np.sort(np.asarray(values, dtype=float))
        slower = 1 - np.arange(1, len(ordered) + 1) / (len(ordered) + 1)
        look: dict[str, Any] = {"color": plots.COLORS[i], "linestyle": plots.LINES[i]}
        axes.plot(100 * slower, ordered / 1000, label=f"{name} (n = {len(ordered):,})", **look)
        p99_us[name] = float(ordered[-(-99 * len(ordered) // 100) - 1])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(100, 100 / max(len(x) for x in series.values()))
    axes.set_xlabel("requests that are slower [%] (log)")
    axes.set_ylabel("latency [ms] (log)")
    axes.set_title(title, loc="left", weight="bold")
    axes.legend()
    return p99_us


@mpl.rc_context(plots.STYLE)
def configuration_space(
    axes: Axes, found: Sequence[Measured], *, kinds: Sequence[str], title: str
) -> dict[str, int]:
    """Draw latency against throughput of all configurations, marked by what is sure about them.

    Parameters
    ----------
    axes
        Of a wide figure.
    found
        The configurations as measured.
    kinds
        One of `KINDS` each, as exercise 8.5 gives them.
    title
        What it proves.

    Returns
    -------
    dict
        Kind to the number of its configurations.
    """
    for kind, look in zip(KINDS, LOOKS, strict=True):
        each = [m for m, k in zip(found, kinds, strict=True) if k == kind]
        if not each:
            continue
        arms: dict[str, Any] = {}
        for name, results in (
            ("x", [m.latency for m in each]),
            ("y", [m.throughput for m in each]),
        ):
            arms[name] = [r.value for r in results]
            ends = [(r.value - r.low, r.high - r.value) for r in results]
            arms[f"{name}err"] = np.transpose(ends)
        named = "on the front" if kind != "dominated" else "beaten"
        label = f"{kind} {named}" if kind != "dominated" else "surely beaten"
        axes.errorbar(**arms, **look, linestyle="", elinewidth=0.8, label=f"{label} ({len(each)})")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(plots.ARROWS["lower"].format("latency of a batch [ms] (log)"))
    axes.set_ylabel(plots.ARROWS["higher"].format("digits per second [1/s] (log)"))
    axes.set_title(title, loc="left", weight="bold")
    axes.legend(**plots.OUTSIDE)
    return {kind: list(kinds).count(kind) for kind in KINDS}
