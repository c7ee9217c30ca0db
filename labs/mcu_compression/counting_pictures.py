"""Pictures of energies and counts; each draws into an `Axes` and returns what it drew."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots, units
from course_utils.records import Result, counted


@mpl.rc_context(plots.STYLE)
def ladder(axes: Axes, values: Mapping[str, Result], *, x_label: str, title: str) -> plots.Rows:
    """Draw numbers that differ by powers of ten, one a line, on a log axis with their intervals.

    What was not computed here but taken from elsewhere is drawn hollow.

    Parameters
    ----------
    axes
        Of a wide figure.
    values
        Name -> result, > 0, from top to bottom.
    x_label
        Quantity and unit.
    title
        The sentence that the figure proves.
    """
    rows: plots.Rows = []
    for place, (name, result) in enumerate(values.items()):
        is_ours = result.kind != "assumed"
        arms = [[result.value - result.low], [result.high - result.value]]
        look: dict[str, Any] = {"color": plots.COLORS[0 if is_ours else 1]}
        look |= {} if is_ours else {"mfc": "white"}
        marker = "o" if is_ours else "D"
        axes.errorbar([result.value], [place], xerr=arms, fmt=marker, capsize=2, **look)
        axes.annotate(
            units.format_number(result.value),
            (result.high, place),
            (6, 0),
            textcoords="offset points",
            va="center",
            size=7,
        )
        rows.append({"name": name, "value": result, "is_ours": is_ours})
    axes.set_xscale("log")
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.margins(x=0.12)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"{x_label} (log)")
    axes.set_title(title, loc="left", weight="bold")
    return rows


def shares(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]
) -> dict[str, dict[str, Result]]:
    """Return which share of a column each kind of layer of DS-CNN has, for a stacked bar [%].

    Parameters
    ----------
    rows
        One a layer, with its ``name``.
    columns
        Name of a bar -> column that it adds up.

    Examples
    --------
    >>> rows = [{"name": "stem.1", "macs": 30}, {"name": "blocks.0.3", "macs": 90}]
    >>> shares(rows, {"MACs": "macs"})["MACs"]["pointwise"].value
    75.0
    """
    bars: dict[str, dict[str, Result]] = {}
    for bar, column in columns.items():
        total = sum(row[column] for row in rows)
        parts: dict[str, int] = {}
        for row in rows:
            kind = _kind(row["name"])
            parts[kind] = parts.get(kind, 0) + row[column]
        bars[bar] = {kind: counted(100 * part / total) for kind, part in parts.items()}
    return bars


def _kind(name: str) -> str:
    for place, kind in (("stem", "first convolution"), ("head", "linear"), (".0", "depthwise")):
        if name.startswith(place) or name.endswith(place):
            return kind
    return "pointwise"


@mpl.rc_context(plots.STYLE)
def growth(
    axes: Axes,
    series: Mapping[str, Sequence[float]],
    *,
    widths: Sequence[float],
    marked: float,
    title: str,
) -> plots.Rows:
    """Draw counts at several widths as multiples of those at the first width, both axes log.

    Grey lines rise with the width and with its square.

    Parameters
    ----------
    axes
        Of a narrow or a wide figure.
    series
        Name -> counts, one a width, > 0.
    widths
        Rising.
    marked
        The width in use.
    title
        The sentence that the figure proves.
    """
    rows: plots.Rows = []
    wider = [width / widths[0] for width in widths]
    for power, name in ((1, "as the width"), (2, "as its square")):
        guide = [x**power for x in wider]
        axes.plot(widths, guide, color=plots.GREY, linewidth=0.7, linestyle=(0, (1, power)))
        axes.annotate(
            name,
            (widths[-1], guide[-1]),
            (3, 0),
            textcoords="offset points",
            va="center",
            size=6,
            color=plots.GREY,
        )
    for look, (name, counts) in zip(plots.LOOKS, series.items(), strict=False):
        multiples = [count / counts[0] for count in counts]
        axes.plot(widths, multiples, label=name, **look)
        rows += [
            {"name": name, "width": width, "count": count, "multiple": multiple}
            for width, count, multiple in zip(widths, counts, multiples, strict=True)
        ]
    axes.axvline(marked, color=plots.GREY, linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(list(widths), [f"{width:g}" for width in widths])
    top = max(axes.get_ylim())
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500) if tick <= top]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("width of the network [1] (log)")
    axes.set_ylabel(f"multiple of width {widths[0]:g} [1] (log)")
    axes.set_title(title, loc="left", weight="bold")
    axes.legend(loc="upper left")
    return rows
