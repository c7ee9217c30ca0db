"""The pictures of exercise 1.10: codes of a ramp of sums, and codes that one rounding changes.

Each draws into an `Axes` and computes nothing but its labels.
"""

from collections.abc import Sequence

import matplotlib as mpl
import numpy.typing as npt
from matplotlib.axes import Axes

from course_utils import plots
from labs.mcu_compression.requantization import Parting


@mpl.rc_context(plots.STYLE)
def ramp(axes: Axes, sums: npt.ArrayLike, *, codes: npt.ArrayLike, exact: npt.ArrayLike) -> None:
    """Draw codes against sums, beside the real numbers that they stand for.

    Parameters
    ----------
    axes
        Of a narrow figure.
    sums, codes, exact
        (n,), sorted by `sums`; `exact` is sum times factor plus zero point.
    """
    axes.axhspan(-128, 127, color=plots.COLORS[5], alpha=0.2, linewidth=0, label="int8")
    axes.plot(sums, exact, color=plots.GREY, linestyle="--", label="exact")
    axes.plot(sums, codes, color=plots.COLORS[0], label="yours")
    axes.set_title("Your codes for a ramp of sums", loc="left", weight="bold")
    axes.set(xlabel="sum [1]", ylabel="code [1]")
    axes.legend()


@mpl.rc_context(plots.STYLE)
def partings(axes: Axes, rows: Sequence[Parting], *, title: str) -> plots.Rows:
    """Draw for each layer the share of codes that one rounding changes.

    Parameters
    ----------
    axes
        Of a wide figure.
    rows
        From top to bottom.
    title
        The sentence that the figure proves.
    """
    drawn: plots.Rows = []
    for place, row in enumerate(rows):
        share = row.per_thousand
        axes.barh([place], [share], color=plots.COLORS[0], height=0.6)
        text = f"{row.different:,} of {row.codes:,}"
        axes.annotate(text, (share, place), (4, 0), textcoords="offset points", va="center", size=7)
        drawn.append({"layer": row.layer, "codes": row.codes, "different": row.different})
    axes.set_yticks(range(len(rows)), [row.layer for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.2)
    axes.set_xlim(left=0)
    axes.set_xlabel("codes that one rounding changes, of 1,000")
    axes.set_title(title, loc="left", weight="bold")
    return drawn
