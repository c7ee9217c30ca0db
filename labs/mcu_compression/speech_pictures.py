"""Pictures of sound on its way to features; each draws what it is given.

Time runs to the right in all of them. Nothing is computed here but the place of each mark.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_utils import plots
from labs.shared.features import SAMPLE_RATE_HZ

Floats = NDArray[np.floating[Any]]
COLOUR_MAP = "magma"  # perceptually even, and readable in grey


@mpl.rc_context(plots.STYLE)
def draw_wave(axes: Axes, samples: Floats, *, title: str) -> Floats:
    """Draw samples against time; returns the times [s].

    Parameters
    ----------
    axes
        One panel.
    samples
        (n,), at 16 kHz.
    title
        What the panel shows.
    """
    seconds: Floats = np.arange(len(samples)) / SAMPLE_RATE_HZ
    axes.plot(seconds, samples, color=plots.COLORS[0], linewidth=0.4)
    _label(axes, title, "amplitude [1]")
    return seconds


@mpl.rc_context(plots.STYLE)
def draw_bands(
    axes: Axes, values: Floats, *, title: str, y_label: str = "band [1]", end_s: float = 1.0
) -> Floats:
    """Draw numbers of each frame as a column of colours, the lowest at the bottom.

    Parameters
    ----------
    axes
        One panel.
    values
        (frames, bands).
    title, y_label
        What the panel shows, and what its rows are.
    end_s
        When the last frame ends [s].

    Returns
    -------
    array
        What is drawn, (bands, frames). Colours span the values but for the 2 % at either end.
    """
    drawn: Floats = np.asarray(values).T
    low, high = np.percentile(drawn, [2, 98])
    axes.imshow(
        drawn,
        origin="lower",
        aspect="auto",
        cmap=COLOUR_MAP,
        extent=(0.0, end_s, -0.5, len(drawn) - 0.5),
        vmin=low,
        vmax=max(high, low + 1e-6),
        interpolation="nearest",
    )
    axes.grid(visible=False)
    _label(axes, title, y_label)
    return drawn


@mpl.rc_context(plots.STYLE)
def stages(
    panels: Sequence[tuple[str, str, Floats]], *, title: str, data: str, end_s: float = 1.0
) -> Figure:
    """Return a wide figure with the stages from sound to features side by side.

    Parameters
    ----------
    panels
        Title, label of the vertical axis, and numbers of each: (n,) is drawn as a wave,
        (frames, bands) as colours. Two to five.
    title
        The sentence that the figure proves.
    data
        Name of the data, for the foot.
    end_s
        When the last frame ends [s].
    """
    figure, axes = plots.new_figure(data=data, wide=True)
    axes.remove()
    row = figure.subplots(1, len(panels))
    for place, (name, y_label, values) in zip(row, panels, strict=True):
        place.tick_params(labelsize=7)
        if values.ndim == 1:
            draw_wave(place, values, title=name)
        else:
            draw_bands(place, values, title=name, y_label=y_label, end_s=end_s)
    figure.suptitle(title, x=0.01, ha="left", weight="bold", size=8)
    return figure


@mpl.rc_context(plots.STYLE)
def draw_filters(axes: Axes, hertz: Floats, *, weights: Floats, title: str) -> None:
    """Draw the weight of each frequency in each band, one line a band.

    Parameters
    ----------
    axes
        Of a wide figure.
    hertz
        (bins,), frequency of each bin [Hz].
    weights
        (bins, bands).
    title
        The sentence that the figure proves.
    """
    for index, band in enumerate(np.asarray(weights).T):
        look = plots.LOOKS[index % len(plots.LOOKS)]
        used = np.flatnonzero(band)
        seen = slice(max(0, used[0] - 1), used[-1] + 2)
        axes.plot(hertz[seen], band[seen], color=look["color"], linestyle=look["linestyle"])
    axes.set_xlim(0, 1.05 * hertz[np.asarray(weights).any(1)].max())
    axes.set(xlabel="frequency [Hz]", ylabel="weight in the band [1]")
    axes.set_title(title, loc="left", weight="bold")


def _label(axes: Axes, title: str, y_label: str) -> None:
    axes.set_title(title, loc="left", size=7, weight="normal")
    axes.set(xlabel="time [s]", ylabel=y_label)
