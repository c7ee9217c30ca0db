"""The pictures of the timing exercise; each draws into an `Axes` and measures nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from course_utils import plots
from labs.gpu_training.simulated_device import START_MS, SimulatedDevice


@mpl.rc_context(plots.STYLE)
def timeline(axes: Axes, device: SimulatedDevice, *, warmup: int, title: str) -> None:
    """Draw when a simulated device was busy, and when its clock was read.

    Parameters
    ----------
    axes
        Of a wide figure.
    device
        After its calls.
    warmup
        Calls that were to warm up, drawn hollow.
    title
        What the figure shows.
    """
    if device.queued_ms:
        axes.barh(0, device.queued_ms, 0.5, 0, color="0.85", label="queued before")
    faces: dict[str, dict[str, Any]] = {
        "warm-up": {"fc": "white", "hatch": "////"},
        "measured": {"fc": plots.COLORS[0]},
    }
    parts = {"warm-up": device.busy[:warmup], "measured": device.busy[warmup:]}
    for name, spans in parts.items():
        starts = [start - START_MS for start, _ in spans]
        lengths = [end - start for start, end in spans]
        look = {"ec": plots.COLORS[0], "lw": 0.8, **faces[name]}
        axes.barh([0] * len(spans), lengths, 0.5, starts, label=name if spans else None, **look)
    readings = sorted({reading - START_MS for reading in device.readings_ms})
    axes.vlines(readings, -0.5, 0.5, color=plots.COLORS[1], ls="--", label="clock read")
    axes.set_yticks([0], ["device"])
    axes.set_ylim(-0.6, 0.6)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.set_title(title, loc="left", weight="bold")
    axes.set_xlabel("time of the simulated clock since its start [ms]")
    axes.legend(**plots.OUTSIDE)


@mpl.rc_context(plots.STYLE)
def calls_in_order(
    axes: Axes, times_ms: Mapping[str, Sequence[float]], *, title: str, x_label: str = "call [1]"
) -> None:
    """Draw the durations of calls in the order made, on a log axis.

    Parameters
    ----------
    axes
        Of a wide figure.
    times_ms
        Name -> durations in ms, > 0; at most 7 names.
    title, x_label
        What the figure proves, and what is counted along it.
    """
    for number, (name, times) in enumerate(times_ms.items()):
        axes.plot(np.arange(1, len(times) + 1), times, **plots.LOOKS[number], label=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no call 2.5
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_title(title, loc="left", weight="bold")
    axes.set(xlabel=x_label, ylabel="duration [ms] (log)")
    axes.legend(**plots.OUTSIDE)
