"""The pictures that only this lab draws; each takes axes and returns the data drawn."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from course_utils import plots
from labs.seminar.inference_serving.server import Log

Rows = list[dict[str, Any]]


@mpl.rc_context(plots.STYLE)
def timeline(axes: Axes, logs: Mapping[str, Log], *, title: str) -> Rows:
    """Draw a bar a request, waiting and then running, policy below policy.

    The `logs` are by policy, and the `title` is the sentence that they prove.

    Rows: ``policy, id, arrival_ms, first_ms, end_ms`` of each request.
    """
    rows: Rows = []
    ticks: dict[float, str] = {}
    place = 0.0
    for policy, log in logs.items():
        for each in log.answered:
            request = each.request
            times = (request.arrival_ms, each.token_ms[0], each.token_ms[-1])
            names = ("policy", "id", "arrival_ms", "first_ms", "end_ms")
            rows.append(dict(zip(names, (policy, request.id, *times), strict=True)))
            waited: dict[str, Any] = {"fc": "white", "hatch": "....", "ec": plots.GREY, "lw": 0.5}
            axes.barh(place, times[1] - times[0], 0.8, times[0], **waited)
            axes.barh(place, times[2] - times[1], 0.8, times[1], **plots.FACES[0])
            ticks[place] = f"{policy} {request.id}"
            place += 1
        place += 0.6
    axes.set_yticks(list(ticks), list(ticks.values()), fontsize=6)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlim(left=0)
    axes.set_title(title, loc="left", weight="bold")
    axes.set_xlabel("time [ms]")
    waiting = Patch(label="to the first token", fc="white", hatch="....", ec=plots.GREY)
    axes.legend(handles=[waiting, Patch(label="writing", **plots.FACES[0])], **plots.OUTSIDE)
    return rows


@mpl.rc_context(plots.STYLE)
def objective_line(axes: Axes, bound: float, *, label: str) -> float:
    """Draw a bound across a picture, named by its `label`, on a log axis; returns the bound."""
    axes.set_yscale("log")
    axes.axhline(bound, color="black", linestyle=":", linewidth=1.0, label=label)
    axes.legend(fontsize=7)
    return bound
