"""Pictures of quantisation: staircases, grids of codes, errors, and accuracy against size.

Each draws data into an `Axes` and returns the rows it drew; `GridExplorer` redraws one when a
slider moves. Nothing is computed here that a title could not say.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from course_utils import plots, widgets
from labs.mcu_compression.affine import RangeError, WeightError
from labs.mcu_compression.comparison import Judged

Floats = npt.NDArray[np.floating]


@mpl.rc_context(plots.STYLE)
def staircase(axes: Axes, before: Floats, *, after: Floats, ends: tuple[float, float]) -> None:
    """Draw values after rounding against values before, with the ends of the range.

    Parameters
    ----------
    axes
        Of a narrow figure.
    before, after
        (n,), sorted by `before`.
    ends
        The range that the grid was made for.
    """
    axes.axvspan(*ends, color=plots.COLORS[5], alpha=0.2, linewidth=0, label="range")
    axes.plot(before, before, color=plots.GREY, linestyle="--", label="before")
    axes.plot(before, after, color=plots.COLORS[0], label="after")
    axes.set_title("Your codes, multiplied back", loc="left", weight="bold")
    axes.set(xlabel="x [1]", ylabel="scale x (code - zero point) [1]")
    axes.legend()


@mpl.rc_context(plots.STYLE)
def straight_through(axes: Axes, before: Floats, *, after: Floats, gradient: Floats) -> None:
    """Draw what fake quantisation gives for a ramp, and the gradient that comes back.

    Parameters
    ----------
    axes
        Of a narrow figure.
    before, after, gradient
        (n,), sorted by `before`; NaN where there is no gradient.
    """
    axes.plot(before, before, color=plots.GREY, linestyle="--", label="before")
    axes.plot(before, after, color=plots.COLORS[0], label="after")
    axes.plot(before, gradient, color=plots.COLORS[1], linestyle=":", label="gradient")
    axes.set_title("Your values, and the gradient at x", loc="left", weight="bold")
    axes.set(xlabel="x [1]", ylabel="value, gradient [1]")
    axes.legend()


@mpl.rc_context(plots.STYLE)
def grid_histogram(axes: Axes, weights: Floats, *, bits: int, name: str) -> dict[str, float]:
    """Draw a histogram of weights over the symmetric grid of one scale for all of them.

    Parameters
    ----------
    axes
        Of a wide figure.
    weights
        Any shape.
    bits
        Bits of a code.
    name
        What the weights belong to.

    Returns
    -------
    dict
        ``scale``, and ``at_zero``: the share of the weights that get the code 0.
    """
    top = 2 ** (bits - 1) - 1
    scale = float(np.abs(weights).max()) / top
    at_zero = float(np.mean(np.abs(weights) < scale / 2))
    codes = np.arange(-top, top + 1)
    axes.hist(np.ravel(weights), bins=100, color=plots.COLORS[0], alpha=0.7)
    for code in codes:
        axes.axvline(code * scale, color=plots.COLORS[1], linewidth=0.8 if top < 20 else 0.3)
    axes.set_title(
        f"One scale for {name}: with {bits} bits {at_zero:.0%} of the weights become 0",
        loc="left",
        weight="bold",
    )
    axes.set(xlabel=f"weight [1]; lines: the {len(codes)} values of the grid", ylabel="weights [1]")
    return {"scale": scale, "at_zero": at_zero}


@mpl.rc_context(plots.STYLE)
def weight_errors(axes: Axes, errors: Sequence[WeightError], *, bits: int) -> plots.Rows:
    """Draw on axes the error of each layer at some bits, with one scale for all or one a channel.

    Rows: ``layer, per_tensor, per_channel, ratio`` of each layer.
    """
    rows: plots.Rows = [
        {
            "layer": e.layer,
            "per_tensor": e.per_tensor,
            "per_channel": e.per_channel,
            "ratio": e.per_tensor / e.per_channel,
        }
        for e in errors
    ]
    places = np.arange(len(rows))
    for i, (name, shift) in enumerate((("per_tensor", -0.2), ("per_channel", 0.2))):
        axes.bar(
            places + shift, [r[name] for r in rows], 0.4, label=name.replace("_", " "),
            **plots.FACES[i],
        )  # fmt: skip
    axes.set_xticks(places, [r["layer"] for r in rows], rotation=30, ha="right")
    most = max(rows, key=lambda row: float(row["ratio"]))
    better = sum(row["ratio"] > 1 for row in rows)
    axes.set_title(
        f"With {bits} bits, a scale for each channel has the smaller error in {better} of "
        f"{len(rows)} layers,\nmost of all in {most['layer']}: {most['ratio']:.1f} times",
        loc="left",
        weight="bold",
    )
    axes.set_ylabel("rms error / rms weight [1]")
    axes.legend(loc="upper right")
    return rows


@mpl.rc_context(plots.STYLE)
def range_errors(axes: Axes, errors: Mapping[int, Sequence[RangeError]], *, name: str) -> list[str]:
    """Draw rounding and saturation against the share of values that the range holds.

    Parameters
    ----------
    axes
        Of a wide figure.
    errors
        For each number of bits the errors of ranges from wide to narrow; up to 2 numbers.
    name
        Whose activations they are.

    Returns
    -------
    list
        For each number of bits, which share of the values has the least error.
    """
    told = []
    for i, (bits, found) in enumerate(errors.items()):
        shares = [f"{e.percent:g}" for e in found]
        for line, part in (("--", "rounding"), (":", "saturation"), ("-", "total")):
            axes.plot(
                shares,
                [getattr(e, part) for e in found],
                color=plots.COLORS[i],
                linestyle=line,
                marker=plots.MARKERS[i] if part == "total" else "",
                label=f"{bits} bits, {part}",
            )
        least = min(found, key=lambda e: e.total)
        told.append(f"{least.percent:g} % of the values with {bits} bits")
    axes.set_yscale("log")
    axes.set_title(
        textwrap.fill(f"{name} errs least if the range holds {', '.join(told)}", 70),
        loc="left",
        weight="bold",
    )
    axes.set(xlabel="values inside the range [%]", ylabel="rms error [1] (log)")
    axes.legend(**plots.OUTSIDE)
    return told


@mpl.rc_context(plots.STYLE)
def accuracy_by_size(
    axes: Axes,
    series: Mapping[str, Mapping[str, Judged]],
    *,
    sizes: Mapping[str, Mapping[str, int]],
    title: str,
) -> plots.Rows:
    """Draw accuracy with its interval against bytes shipped, a look for each series.

    Parameters
    ----------
    axes
        Of a wide figure.
    series
        Name of a series -> name of a version -> how it did; up to 7 series.
    sizes
        Name of a series -> name of a version -> its bytes. The ticks name those of the first.
    title
        The sentence that the figure proves.

    Returns
    -------
    list of dict
        ``series, version, size_bytes, top1`` of each point.
    """
    rows: plots.Rows = []
    for i, (who, versions) in enumerate(series.items()):
        names = sorted(versions, key=sizes[who].__getitem__)
        top1 = [versions[name].top1 for name in names]
        arms = [[t.value - t.low for t in top1], [t.high - t.value for t in top1]]
        shift = 1 + 0.012 * (i - (len(series) - 1) / 2)  # so that intervals do not hide each other
        x, y = [sizes[who][name] / 1000 * shift for name in names], [t.value for t in top1]
        axes.errorbar(x, y, yerr=arms, elinewidth=0.8, label=who, **plots.LOOKS[i])
        rows += [
            {"series": who, "version": name, "size_bytes": sizes[who][name], "top1": t}
            for name, t in zip(names, top1, strict=True)
        ]
    first = next(iter(series))
    _name_sizes(axes, {name: sizes[first][name] / 1000 for name in series[first]})
    axes.set_title("\n".join(textwrap.wrap(title, 90)), loc="left", weight="bold")
    axes.set(xlabel="bytes shipped [kB] (log)", ylabel="accuracy [1]", ylim=(0, 1))
    axes.legend(**plots.OUTSIDE)
    return rows


def _name_sizes(axes: Axes, sizes_kb: Mapping[str, float]) -> None:
    """Put a tick at each version's size, with its name."""
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(list(sizes_kb.values()), [f"{name}\n{kb:.1f}" for name, kb in sizes_kb.items()])


def recovery(judged: Mapping[str, Judged], trained_on: Mapping[str, Judged]) -> str:
    """Return a sentence: what 2 bits lose, and which part of it training on wins back.

    Parameters
    ----------
    judged, trained_on
        As `comparison.judge` returned them, with ``2 bit`` among the versions.
    """
    lost, still = judged["2 bit"].loss.interval, trained_on["2 bit"].loss.interval
    if lost.low <= 0:
        return "These clips do not show that 2 bits lose anything"
    said = f"With 2 bits the accuracy falls by {lost.value:.2f}"
    if still.value >= lost.value:
        return f"{said}, and training on wins nothing back"
    return f"{said}; training on wins {1 - still.value / lost.value:.0%} of that back"


@dataclass(frozen=True)
class GridExplorer:
    """A histogram of weights under a grid, with a slider for the bits; it shows itself.

    Parameters
    ----------
    weights
        Any shape.
    name
        What they belong to.
    bits
        Where the slider stands first, 2 to 8.
    """

    weights: Floats = field(repr=False)
    name: str
    bits: int

    @mpl.rc_context(plots.STYLE)
    def picture(self) -> plots.Picture:
        """Return the histogram at the slider's place."""
        figure, axes = plots.new_figure(data="bundled network", wide=True)
        found = grid_histogram(axes, self.weights, bits=self.bits, name=self.name)
        return plots.show(
            figure,
            alt=f"Histogram of the weights of {self.name} with the grid of {self.bits} bits, whose "
            f"step is {found['scale']:.3g}: {found['at_zero']:.0%} of the weights become 0.",
        )

    def _ipython_display_(self) -> None:
        from IPython.display import display  # noqa: PLC0415 - called in kernels, which have it

        shown: Any = display(self.picture(), display_id=True)  # type: ignore[no-untyped-call]
        if not widgets.is_interactive():
            return
        from ipywidgets import IntSlider  # noqa: PLC0415 - only for a front end

        slider = IntSlider(self.bits, 2, 8, description="bits", continuous_update=False)
        slider.observe(lambda new: shown.update(replace(self, bits=new["new"]).picture()), "value")
        display(slider)  # type: ignore[no-untyped-call]
