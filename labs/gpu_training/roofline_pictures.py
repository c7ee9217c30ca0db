"""The pictures of the roofline exercise; each draws into an `Axes` and measures nothing."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter

from course_utils import plots
from course_utils.records import Result
from course_utils.units import BYTES_PER_GB, format_bytes

Floats = npt.NDArray[np.floating]


@mpl.rc_context(plots.STYLE)
def own_roof(
    axes: Axes, intensities: Floats, *, bounds: Floats, peak: float, bandwidth: float
) -> None:
    """Draw a student's bounds beside the two lines that they come from.

    Parameters
    ----------
    axes
        Of a narrow figure.
    intensities, bounds
        The same shape; op/B and op/s.
    peak, bandwidth
        Of the machine [op/s, B/s].
    """
    axes.loglog(intensities, bandwidth * intensities, color=plots.GREY, ls="--", label="memory")
    axes.axhline(peak, color=plots.GREY, ls=":", label="arithmetic")
    axes.plot(intensities, bounds, color=plots.COLORS[0], marker="o", label="yours")
    axes.set_title("Your roof", loc="left", weight="bold")
    axes.set(xlabel="arithmetic intensity [op/B] (log)", ylabel="attainable [op/s] (log)")
    axes.legend()


@mpl.rc_context(plots.STYLE)
def bandwidths(
    axes: Axes, rates: Sequence[tuple[int, Result]], *, cache_bytes: int | None, title: str
) -> None:
    """Draw the bandwidth of a copy against its working set, with intervals.

    Parameters
    ----------
    axes
        Of a wide figure.
    rates
        (bytes of source and target, B/s) each.
    cache_bytes
        The largest cache, or None where nobody says.
    title
        What the figure proves.
    """
    sizes, values = [size for size, _ in rates], [rate.value / BYTES_PER_GB for _, rate in rates]
    arms = np.array([(r.value - r.low, r.high - r.value) for _, r in rates]).T / BYTES_PER_GB
    look = {**plots.LOOKS[0], "elinewidth": 0.8, "label": "copy"}
    axes.errorbar(sizes, values, yerr=arms, **look)
    if cache_bytes is not None:
        axes.axvline(cache_bytes, color=plots.GREY, linestyle=":", label="largest cache")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [_short(size) for size in sizes])
    axes.set_ylim(bottom=0)
    axes.set_title(title, loc="left", weight="bold")
    axes.set(xlabel="working set [B] (log)", ylabel="bandwidth [GB/s]")
    axes.legend()


def _short(size_bytes: int) -> str:
    """Return a size without the zeros that `format_bytes` ends it with."""
    number, prefix = format_bytes(size_bytes).split()
    return f"{float(number):g} {prefix}"


@mpl.rc_context(plots.STYLE)
def under_the_roof(
    axes: Axes, layers: plots.Layers, *, peak: Result, bandwidth: Result, title: str
) -> plots.Rows:
    """Draw `course_utils.plots.roofline` with plain numbers along the axis and room on top.

    Parameters
    ----------
    axes
        Of a wide figure.
    layers
        (name, op/B, attained op/s) each.
    peak, bandwidth
        Of the machine [op/s, B/s].
    title
        What the figure proves.
    """
    rows = plots.roofline(axes, layers, peak=peak, bandwidth=bandwidth, title=title)
    highest = max(peak.high, *(attained.high for _, _, attained in layers))
    axes.set_ylim(top=1.6 * highest)  # room for the name of a layer at the roof
    axes.xaxis.set_major_formatter(LogFormatter())
    axes.xaxis.set_minor_formatter(LogFormatter())
    return rows
