"""The lives of nodes as lines over time. Nothing is measured here."""

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.plots import Rows
from labs.federated_learning.flower.supervision import Report

STYLES: dict[str, dict[str, Any]] = {
    "online": {"color": "#0072B2", "linestyle": "-", "linewidth": 4},
    "started": {"color": "#E69F00", "linestyle": ":", "linewidth": 3},
    "lost": {"color": "#D55E00", "linestyle": "--", "linewidth": 1},
    "refused": {"color": "#D55E00", "linestyle": "--", "linewidth": 1},
}
NAMES = {"online": "online", "started": "starting", "lost": "away"}


def segments(report: Report) -> dict[int, list[tuple[float, float, str]]]:
    """Return the stretches of each node's life: from, to, and the state between [s].

    Parameters
    ----------
    report
        Of a run; what came before its start is cut off at 0.
    """
    stretches: dict[int, list[tuple[float, float, str]]] = {}
    for number, life in report.lives.items():
        ends = [at_s for at_s, _ in life[1:]] + [report.wall_s]
        pairs = zip(life, ends, strict=True)
        stretches[number] = [
            (max(0.0, at_s), end_s, what) for (at_s, what), end_s in pairs if end_s > 0
        ]
    return stretches


@mpl.rc_context(plots.STYLE)
def lives(axes: Axes, report: Report, *, title: str) -> Rows:
    """Draw a line for each node, with the rounds shaded.

    Rows: ``node, from_s, to_s, state`` of each stretch drawn.

    Parameters
    ----------
    axes
        Of a wide figure.
    report
        Of a run.
    title
        What the figure proves.
    """
    drawn = segments(report)
    _shade_rounds(axes, report, top=max(drawn) + 0.45)
    for number, stretches in drawn.items():
        for start_s, end_s, what in stretches:
            axes.plot([start_s, end_s], [number, number], **STYLES[what])
        refused = [at_s for at_s, what in report.lives[number] if what == "refused" and at_s > 0]
        axes.plot(refused, [number] * len(refused), "x", color="black")
    for what, name in NAMES.items():
        axes.plot([], [], label=name, **STYLES[what])
    axes.plot([], [], "x", color="black", label="refused")
    axes.set(xlabel="time since the start of the run [s]", ylabel="node [number]")
    axes.set_title(title, loc="left", weight="bold")
    axes.set_yticks(sorted(drawn))
    axes.set_ylim(-0.5, max(drawn) + 0.8)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return [
        {"node": number, "from_s": start_s, "to_s": end_s, "state": what}
        for number, stretches in drawn.items()
        for start_s, end_s, what in stretches
    ]


def _shade_rounds(axes: Axes, report: Report, *, top: float) -> None:
    done = {event["round"]: event["at_s"] for event in report.of("averaged")}
    for event in report.of("asked"):
        round_, start_s = event["round"], event["at_s"]
        end_s = done.get(round_, report.wall_s)
        axes.axvspan(start_s, end_s, facecolor="0.9", edgecolor="0.5", zorder=0)
        axes.text((start_s + end_s) / 2, top, f"round {round_}", ha="center", fontsize=7)
