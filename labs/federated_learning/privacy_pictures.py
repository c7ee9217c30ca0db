"""Draws what a server sees of a sample, how far it is from it, and what privacy costs.

Each function takes axes and data, draws, and returns the rows it drew; nothing is computed here.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from course_utils import plots
from course_utils.plots import Rows
from course_utils.records import Result


@mpl.rc_context(plots.STYLE)
def tiles(axes: Axes, images: Mapping[str, NDArray[np.floating]], *, title: str) -> Rows:
    """Draw images side by side, each with its own scale of greys and its name below.

    Rows: ``name, low, high``, the numbers that are black and white.

    Parameters
    ----------
    axes
        Of a wide figure.
    images
        Arrays by name; those of one axis are drawn as a line.
    title
        The sentence that the figure proves.
    """
    rows: Rows = []
    for place, (name, image) in enumerate(images.items()):
        flat = np.atleast_2d(np.squeeze(image))
        low, high = float(flat.min()), float(flat.max())
        height = 0.9 * min(1.0, flat.shape[0] / flat.shape[1])  # tall ones are squeezed
        axes.imshow(
            flat, cmap="gray", extent=(place - 0.45, place + 0.45, 0, height), aspect="equal",
            vmin=low, vmax=high, interpolation="nearest",
        )  # fmt: skip
        rows.append({"name": name, "low": low, "high": high})
    axes.set(xlim=(-0.5, len(images) - 0.5), ylim=(0, 0.9), yticks=[])
    axes.set_xticks(range(len(images)), list(images))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left", weight="bold")
    return rows


@mpl.rc_context(plots.STYLE)
def errors_by_batch(axes: Axes, errors: Mapping[int, Sequence[float]], *, title: str) -> Rows:
    """Draw the median error by batch size (log), the draws in grey.

    Rows: ``batch, median, draws``.

    Parameters
    ----------
    axes
        Of a figure.
    errors
        From `leakage.by_batch`: those of all draws, by the samples of a batch.
    title
        The sentence that the figure proves.
    """
    sizes = list(errors)
    medians = [float(np.median(errors[size])) for size in sizes]
    for size in sizes:
        axes.plot([size] * len(errors[size]), errors[size], ".", color=plots.GREY, alpha=0.5)
    axes.plot(sizes, medians, **plots.LOOKS[0], label="median")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size}" for size in sizes])
    axes.minorticks_off()
    axes.set(ylim=(0, None), xlabel="samples in the batch [1] (log)", ylabel="error [pixel value]")
    axes.set_title(title, loc="left", weight="bold")
    return [
        {"batch": size, "median": median, "draws": len(errors[size])}
        for size, median in zip(sizes, medians, strict=True)
    ]


@mpl.rc_context(plots.STYLE)
def price_of_privacy(
    axes: Axes, curves: Mapping[str, Sequence[tuple[float, Result]]], *, title: str
) -> Rows:
    """Draw accuracies with intervals against epsilon (log), a line for each kind of federation.

    Rows: ``name, epsilon, accuracy``.

    Parameters
    ----------
    axes
        Of a figure.
    curves
        By name of the federation: epsilons and accuracies, 7 names at most.
    title
        The sentence that the figure proves.
    """
    rows: Rows = []
    for look, (name, points) in zip(plots.LOOKS, curves.items(), strict=False):
        values = [100 * each.value for _, each in points]
        arms = [
            [100 * (each.value - each.low) for _, each in points],
            [100 * (each.high - each.value) for _, each in points],
        ]
        epsilons = [epsilon for epsilon, _ in points]
        axes.errorbar(epsilons, values, yerr=arms, elinewidth=0.8, markersize=4, label=name, **look)
        rows += [{"name": name, "epsilon": e, "accuracy": each.value} for e, each in points]
    axes.set_xscale("log")
    shown = sorted({row["epsilon"] for row in rows})  # a decade has too few ticks, or too many
    axes.set_xticks(shown, [f"{epsilon:.2g}" for epsilon in shown])
    axes.minorticks_off()
    axes.set(ylim=(0, 100), xlabel="epsilon [1] (log)", ylabel="right [%]")
    axes.legend(**plots.OUTSIDE)
    axes.set_title(title, loc="left", weight="bold")
    return rows
