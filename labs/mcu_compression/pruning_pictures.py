"""The pictures of the pruning exercise; each draws into an `Axes` and computes nothing."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from course_utils import plots
from course_utils.records import Result

Floats = npt.NDArray[np.floating]


@mpl.rc_context(plots.STYLE)
def kept_weights(axes: Axes, weights: Floats, *, stays: npt.NDArray[np.bool_]) -> None:
    """Draw weights by magnitude, those that stay filled.

    Parameters
    ----------
    axes
        Of a wide figure.
    weights, stays
        The same shape.
    """
    order = np.argsort(-np.abs(weights), axis=None, kind="stable")
    heights, kept = np.abs(weights).ravel()[order], stays.ravel()[order]
    places = np.arange(len(order))
    axes.bar(places[kept], heights[kept], color=plots.COLORS[0], label="stays")
    axes.bar(places[~kept], heights[~kept], fc="white", ec=plots.GREY, ls="--", label="goes")
    axes.set_xticks(places, [f"{w:g}" for w in weights.ravel()[order]])
    axes.set_title("Your mask on ten weights, sorted by magnitude", loc="left", weight="bold")
    axes.set(xlabel="weight [1]", ylabel="magnitude [1]")
    axes.legend()


@mpl.rc_context(plots.STYLE)
def shrunk_norms(axes: Axes, before: Floats, *, after: Floats) -> None:
    """Draw the norm of channels after shrinking against before, beside the diagonal.

    Parameters
    ----------
    axes
        Of a narrow figure.
    before, after
        (channels,), sorted by `before`.
    """
    axes.plot(before, before, color=plots.GREY, linestyle="--", label="unchanged")
    axes.plot(before, after, color=plots.COLORS[0], marker=".", label="yours")
    axes.set_title("Your channels, threshold 1", loc="left", weight="bold")
    axes.set(xlabel="norm before [1]", ylabel="norm after [1]")
    axes.legend()


@mpl.rc_context(plots.STYLE)
def layer_losses(
    axes: Axes, losses: Mapping[str, Sequence[Result]], *, levels: Sequence[float], title: str
) -> None:
    """Draw what pruning each layer alone costs, one mark a level, with intervals.

    Parameters
    ----------
    axes
        Of a wide figure, which is made as high as the layers need.
    losses
        Layer -> accuracy lost at each level.
    levels
        Sparsities, at most 7.
    title
        What the figure proves.
    """
    axes.figure.set_size_inches(7, 3.4)  # type: ignore[union-attr]  # a Figure, not a SubFigure
    places = np.arange(len(losses))
    for number, level in enumerate(levels):
        points = [results[number] for results in losses.values()]
        value = np.array([point.value for point in points])
        arms = [(p.value - p.low, p.high - p.value) for p in points]
        look = {**plots.LOOKS[number], "linestyle": "", "label": f"{level:.0%} of its weights"}
        shift = 0.22 * (number - (len(levels) - 1) / 2)
        axes.errorbar(value, places + shift, xerr=np.transpose(arms), elinewidth=0.8, **look)
    axes.axvline(0, color=plots.GREY, linewidth=0.8)
    axes.set_yticks(places, list(losses))
    axes.invert_yaxis()
    axes.set_title(title, loc="left", weight="bold")
    axes.set(xlabel="accuracy lost [1]", ylabel="layer pruned alone")
    n = {result.n for results in losses.values() for result in results}
    _write_foot(axes, f"n = {max(n)} speakers and clips of silence, 95 % intervals")
    axes.legend(title="taken away", **plots.OUTSIDE)


@mpl.rc_context(plots.STYLE)
def vanishing(axes: Axes, norms: Floats, *, title: str) -> None:
    """Draw the norms of the channels of a set over the steps of a training.

    Parameters
    ----------
    axes
        Of a wide figure.
    norms
        (steps, channels).
    title
        What the figure proves.
    """
    is_alive = norms[-1] > 0
    steps = np.arange(1, len(norms) + 1)
    for column, stays in zip(norms.T, is_alive, strict=True):
        color, line = (plots.COLORS[0], "-") if stays else (plots.COLORS[1], "--")
        axes.plot(steps, column, color=color, linestyle=line, linewidth=0.7)
    stay, vanish = int(is_alive.sum()), int((~is_alive).sum())
    axes.plot([], [], color=plots.COLORS[0], label=f"{stay} stay")
    axes.plot([], [], color=plots.COLORS[1], linestyle="--", label=f"{vanish} vanish")
    axes.set_ylim(bottom=0)
    axes.set_title(title, loc="left", weight="bold")
    axes.set(xlabel="step of the training [1]", ylabel="norm of its reading weights [1]")
    axes.legend(title="channels", **plots.OUTSIDE)


@mpl.rc_context(plots.STYLE)
def work_and_time(
    axes: Axes,
    work: Mapping[str, float],
    *,
    time: Mapping[str, Mapping[str, Result]],
    title: str,
) -> None:
    """Draw the ratio of latencies against the ratio of MACs, beside the line of equal ratios.

    Parameters
    ----------
    axes
        Of a wide figure.
    work
        Version -> its MACs as a share of the dense network's.
    time
        Series -> version -> its latency likewise.
    title
        What the figure proves.
    """
    axes.plot([0, 1], [0, 1], color=plots.GREY, linestyle="--", linewidth=0.8, label="time = MACs")
    for number, (name, versions) in enumerate(time.items()):
        points = list(versions.values())
        arms = [(point.value - point.low, point.high - point.value) for point in points]
        shift = 0.016 * (number - (len(time) - 1) / 2)  # so that the bars stand side by side
        places = [work[version] + shift for version in versions]
        look = {**plots.LOOKS[number], "linestyle": "", "label": name, "elinewidth": 0.8}
        axes.errorbar(places, [p.value for p in points], yerr=np.transpose(arms), **look)
    for version in next(iter(time.values())):
        label = axes.annotate(version, (work[version], 0.03), size=6, ha="center", va="bottom")
        label.set_path_effects([withStroke(linewidth=2, foreground="white")])
    axes.set_xlim(0, 1.1)
    axes.set_ylim(bottom=0)
    n = {point.n for versions in time.values() for point in versions.values()}
    _write_foot(axes, f"medians of n = {max(n)} rounds, with intervals")
    axes.set_title(title, loc="left", weight="bold")
    axes.set(xlabel="MACs, as a share of the dense network's [1]", ylabel="latency, as a share [1]")
    axes.legend(**plots.OUTSIDE)


def _write_foot(axes: Axes, text: str) -> None:
    """Add to the small line at the foot of the figure."""
    figure = axes.figure
    if isinstance(figure, Figure):
        text = "; ".join(filter(None, (figure.get_supxlabel(), text)))
        figure.supxlabel(text, fontsize=6, color=plots.GREY, x=0.99, ha="right")
