"""The pictures of what fewer bits may change and did change.

Each draws into an `Axes` and computes nothing but what its title says.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.records import Result
from labs.seminar.inference_performance.guarantees import Guarantee

Floats = npt.NDArray[np.float64]


@mpl.rc_context(plots.STYLE)
def shares(
    axes: Axes, found: Sequence[Guarantee], *, title: str
) -> dict[str, list[tuple[float, Result]]]:
    """Draw the shares of rows that are certified and that did not change, against bits.

    Parameters
    ----------
    axes
        Of a wide figure.
    found
        One a number of bits.
    title
        What it proves.

    Returns
    -------
    dict
        Name to the points, bits and share each.
    """
    series = {
        "did not change": [(float(each.bits), each.unchanged) for each in found],
        "cannot change (certified)": [(float(each.bits), each.certified) for each in found],
    }
    axes.set_ylim(-0.03, 1.03)
    axes.set_xticks([each.bits for each in found])
    labels = {"x_label": "size of a code [bits]", "y_label": "share of the digits [1]"}
    plots.learning_curve(axes, series, title=title, **labels)
    return series


@mpl.rc_context(plots.STYLE)
def bound_against_change(
    axes: Axes, bounds: Floats, *, changes: Floats, title: str
) -> dict[str, float]:
    """Draw what happened to each digit's scores against what may happen, on log axes.

    Parameters
    ----------
    axes
        Of a narrow figure.
    bounds, changes
        (n, classes), > 0 and >= 0; the class whose score changed most counts.
    title
        What it proves.

    Returns
    -------
    dict
        ``above``, the points above the diagonal, where a bound would be wrong; ``median_ratio`` of
        bound over change; ``still``, digits without any change, which a log axis cannot show.
    """
    rows, places = np.arange(len(changes)), changes.argmax(axis=1)
    bound, change = bounds[rows, places], changes[rows, places]
    is_moved = change > 0
    axes.set_xscale("log")
    axes.set_yscale("log")
    ends = [float(change[is_moved].min(initial=np.inf)), float(bound.max(initial=0))]
    if is_moved.any():
        axes.plot(ends, ends, color="black", linewidth=0.8, label="change = bound")
    look: dict[str, Any] = {
        "color": plots.COLORS[0],
        "marker": "o",
        "markersize": 2.5,
        "linestyle": "",
    }
    axes.plot(bound[is_moved], change[is_moved], label="a digit", **look)
    axes.set_xlabel("bound on the change of a score [1] (log)")
    axes.set_ylabel("observed change [1] (log)")
    axes.set_title(title, loc="left", weight="bold")
    axes.legend()
    ratio = float(np.median(bound[is_moved] / change[is_moved])) if is_moved.any() else np.inf
    return {
        "above": float((changes > bounds).sum()),
        "median_ratio": ratio,
        "still": float((~is_moved).sum()),
    }
