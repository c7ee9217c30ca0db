"""Pictures of what a step does at the same time; each draws into an `Axes` and computes nothing."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots

Interval = tuple[float, float]


@mpl.rc_context(plots.STYLE)
def lanes(
    axes: Axes, rows: Mapping[str, Sequence[Interval]], *, title: str, unit: str = "ms"
) -> None:
    """Draw intervals as bars, one lane a row, the first on top.

    Parameters
    ----------
    axes
        Of a wide figure.
    rows
        Name -> intervals, from and to; those that end in ``all-reduce`` are hatched.
    title
        What the figure proves.
    unit
        Of the times.
    """
    for place, (name, intervals) in enumerate(rows.items()):
        face = plots.FACES[1] if name.endswith("all-reduce") else plots.FACES[0]
        widths = [(start, end - start) for start, end in intervals]
        axes.broken_barh(widths, (place - 0.35, 0.7), **face)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"time since the step began [{unit}]")
    axes.set_title(title, loc="left", weight="bold")
