"""The pictures of the section on drift; each draws into an `Axes` and trains nothing."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from course_utils import plots
from course_utils.plots import Rows
from course_utils.records import Result
from labs.federated_learning.quadratics import TWO, Work, fixed_point, optimum


@mpl.rc_context(plots.STYLE)
def walks(axes: Axes, series: Mapping[str, NDArray[np.float64]]) -> Rows:
    """Draw the average weight after each round, and a line at the optimum of `quadratics.TWO`.

    Rows: ``name, round, weight`` of each point.

    Parameters
    ----------
    axes
        Of a figure.
    series
        (rounds + 1,) each, by name; 7 at most.
    """
    rows: Rows = []
    axes.axhline(optimum(TWO), color=plots.GREY, linewidth=0.8, label="optimum")
    for look, (name, path) in zip(plots.LOOKS, series.items(), strict=False):
        axes.plot(path, **look, markevery=max(1, len(path) // 8), label=name)
        rows += [
            {"name": name, "round": i, "weight": float(weight)} for i, weight in enumerate(path)
        ]
    axes.set(xlabel="round", ylabel="average weight")
    ends = ", ".join(f"{path[-1]:.2f}" for path in series.values())
    axes.set_title(f"Two bowls: averages end at {ends}", loc="left", weight="bold")
    axes.legend()
    return rows


@mpl.rc_context(plots.STYLE)
def rests(axes: Axes, *, steps: Sequence[int], pulls: Sequence[float]) -> Rows:
    """Draw how far from the optimum of `quadratics.TWO` rounds rest, over the local steps.

    Rows: ``mu, steps, distance`` of each point.

    Parameters
    ----------
    axes
        Of a figure.
    steps
        Of a round, >= 1 each.
    pulls
        Of FedProx; 7 at most.
    """
    rows: Rows = []
    for look, mu in zip(plots.LOOKS, pulls, strict=False):
        rest = [fixed_point(TWO, Work(each, 0.1, mu)) for each in steps]
        distances = [abs(each - optimum(TWO)) for each in rest]
        axes.plot(steps, distances, **look, label=f"mu = {mu:g}")
        rows += [
            {"mu": mu, "steps": each, "distance": distance}
            for each, distance in zip(steps, distances, strict=True)
        ]
    axes.set_xscale("log")
    axes.set(xlabel="local steps of a round (log)", ylabel="distance from the optimum")
    axes.set_title("Two bowls: one local step has no drift", loc="left", weight="bold")
    axes.legend()
    return rows


def cosines(
    axes: Axes, found: Mapping[int, Sequence[tuple[float, Result]]], *, dataset: str
) -> Rows:
    """Draw the mean cosine of updates over alpha, a curve for each number of steps.

    Rows: ``name, x, y`` of each point.

    Parameters
    ----------
    axes
        Of a figure.
    found
        From `drift.cosines`.
    dataset
        Named in the title.
    """
    axes.set_xscale("log")
    series = {f"{steps} steps" if steps > 1 else "1 step": at for steps, at in found.items()}
    first = next(iter(series.values()))
    low, high = first[0][1].value, first[-1][1].value
    return plots.learning_curve(
        axes,
        series,
        x_label="alpha [1]",
        y_label="mean cosine [1]",
        title=f"{dataset}: cosine {low:.2f} to {high:.2f}, 1 step",
    )
