"""Pictures of a program on a microcontroller. Each draws into an `Axes` and returns its rows."""

from collections.abc import Mapping

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots

MOST = 8  # bars; what is smaller is drawn as one


@mpl.rc_context(plots.STYLE)
def counts(axes: Axes, numbers: Mapping[str, int], *, title: str) -> plots.Rows:
    """Draw how many instructions each part of a program executed, most first.

    Parameters
    ----------
    axes
        Of a wide figure.
    numbers
        Name of a part, a function or a class of instructions, -> instructions.
    title
        What the picture shows.

    Returns
    -------
    list of dict
        ``name``, ``instructions`` and ``share`` of each bar, from the top.
    """
    ordered = sorted(numbers.items(), key=lambda item: -item[1])
    if len(ordered) > MOST:
        rest = sum(number for _, number in ordered[MOST - 1 :])
        ordered = [*ordered[: MOST - 1], ("others", rest)]
    total = sum(numbers.values())
    rows: plots.Rows = [
        {"name": name, "instructions": number, "share": number / total} for name, number in ordered
    ]
    millions = [number / 1e6 for _, number in ordered]
    bars = axes.barh(range(len(ordered)), millions, 0.6, color=plots.COLORS[0])
    axes.bar_label(bars, [f"{row['share']:.1%}" for row in rows], padding=3)
    axes.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, 1.12 * max(millions))
    axes.set_title(title, loc="left", weight="bold")
    axes.set_xlabel("instructions [millions]")
    return rows
