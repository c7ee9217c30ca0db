"""The picture of exercise 1.13: how long a battery lasts, against how often a board computes.

It draws into an `Axes` and computes nothing but its labels.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots

Days = Sequence[tuple[float, float, float]]  # inferences a second, fewest and most days


@mpl.rc_context(plots.STYLE)
def lifetimes(axes: Axes, series: Mapping[str, Days], *, title: str) -> plots.Rows:
    """Draw for each battery the range of its days, both axes with powers of ten.

    Parameters
    ----------
    axes
        Of any figure.
    series
        Name -> points, by rising rate.
    title
        What the picture shows.
    """
    drawn: plots.Rows = []
    for (name, points), look in zip(series.items(), plots.LOOKS, strict=False):
        rates, fewest, most = zip(*points, strict=True)
        color, style = look["color"], look["linestyle"]
        axes.fill_between(rates, fewest, most, color=color, alpha=0.25, linewidth=0)
        axes.plot(rates, fewest, color=color, linestyle=style)
        axes.plot(rates, most, color=color, linestyle=style, label=name)
        drawn += [{"name": name, "per_s": rate, "days": (low, high)} for rate, low, high in points]
    axes.set(xscale="log", yscale="log")
    axes.set(xlabel="inferences a second [1/s] (log)", ylabel="battery life [days] (log)")
    axes.set_title(title, loc="left", weight="bold")
    axes.legend()
    return drawn
