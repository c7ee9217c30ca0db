"""Figures in one style: each takes an `Axes` and data, draws, and returns the rows it drew.

::

    figure, axes = plots.new_figure(data="digits")
    rows = plots.pareto_front(axes, points, title="Pruning pays up to 80 %", ...)
    plots.show(figure, alt="Accuracy against latency: pruned networks are faster, ...")

The title is the sentence that the figure proves; axis labels read "quantity [unit]"; colours are
those of Okabe and Ito, and marker, line style or hatching repeat each, so that the figure can be
read in grey; intervals are drawn, and the small line at the foot says how many repeats they rest
on and what was not measured. Rows are dicts, one for each mark: ``pandas.DataFrame(rows)`` shows
them. What cannot be drawn so raises a `MeasurementError`. No figure goes through pyplot, so none
stays open, and no setting of matplotlib changes; ``with matplotlib.rc_context(plots.STYLE)`` lends
the style to a figure made elsewhere.
"""

import base64
import html
import io
import textwrap
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from PIL import Image

from course_utils import stats
from course_utils.errors import MeasurementError
from course_utils.records import Result, counted

Rows: TypeAlias = list[dict[str, Any]]
Points: TypeAlias = Sequence[tuple[str, Result, Result]]  # (name, x, y) each
Layers: TypeAlias = Sequence[tuple[str, float, Result]]  # (name, op/B, attained op/s) each
Series: TypeAlias = Mapping[str, Sequence[tuple[float, Result]]]  # name -> (x, y) each
Ways: TypeAlias = Sequence[Literal["lower", "higher"]]  # which is better, for each quantity
Ideal: TypeAlias = Literal["rises", "falls"]

# Okabe and Ito, Color Universal Design (2008), without the yellow that is faint on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 3)))
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "++++")
LOOKS: list[dict[str, Any]] = [
    {"color": color, "marker": marker, "linestyle": line}
    for color, marker, line in zip(COLORS, MARKERS, LINES, strict=True)
]
FACES: list[dict[str, Any]] = [
    {"fc": (color, 0.6), "hatch": hatch, "ec": "black", "lw": 0.6}
    for color, hatch in zip(COLORS, HATCHES, strict=True)
]
ARROWS = {"higher": "{}   better \u2192", "lower": "\u2190 better   {}"}
BETTER: Ways = ("lower", "higher")  # cost along x, quality along y
OUTSIDE: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1, 1)}  # of the axes: a legend
GREY = "0.35"
RENDER_DPI, SCREEN_DPI = 200, 120  # on a screen 8 pt is then as large as the notebook's text
# The settings of matplotlib that make the style; a file, so that other figures can use it as well.
STYLE = mpl.rc_params_from_file(Path(__file__).with_name("course.mplstyle"), False, False)


@mpl.rc_context(STYLE)
def new_figure(*, data: str = "", wide: bool = False) -> tuple[Figure, Axes]:
    """Return an empty figure, 3.5 (wide: 7) x 2.5 in, and its axes; its foot names the data set."""
    figure = Figure(figsize=(7.0 if wide else 3.5, 2.5), dpi=RENDER_DPI, layout="constrained")
    axes = figure.subplots()
    axes.tick_params(which="both", labelsize=7)  # ticks are made after the context
    if data:
        _write_foot(axes, f"data: {data}")
    return figure, axes


@dataclass(frozen=True)
class Picture:
    """A figure as a notebook shows it: an image with its alternative text.

    JupyterLab takes the HTML, whose ``alt`` a screen reader reads; converters take the PNG, with
    the text in its metadata. As plain text the picture *is* its alternative text.
    """

    png: bytes = field(repr=False)  # the image file
    alt: str  # what it shows, for those who do not see it
    width_px: int  # its size on a screen
    height_px: int  # and how high it is there

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        image = base64.b64encode(self.png).decode("ascii")
        look = {"alt": self.alt, "width": self.width_px, "height": self.height_px}
        attributes = " ".join(f'{name}="{html.escape(str(x))}"' for name, x in look.items())
        tag = f'<img {attributes} src="data:image/png;base64,{image}">'
        bundle = {"text/plain": self.alt, "text/html": tag, "image/png": image}
        return bundle, {"image/png": look}


@mpl.rc_context(STYLE)
def show(figure: Figure, *, alt: str) -> Picture:
    """Return a figure for a notebook to show, as the last expression of a cell.

    ``alt`` tells a reader who does not see the figure its kind, its axes and its finding; an
    empty one raises a `MeasurementError`.
    """
    if not alt.strip():
        raise MeasurementError("the figure has no alternative text; say in alt=... what it shows")
    file = io.BytesIO()
    figure.savefig(file, dpi=RENDER_DPI)
    with Image.open(file) as image:  # 64 colours look the same in a third of the bytes
        image.convert("RGB").quantize(64).save(file := io.BytesIO(), "png", optimize=True)
    width_px, height_px = (round(SCREEN_DPI * x) for x in figure.get_size_inches())
    return Picture(file.getvalue(), " ".join(alt.split()), width_px, height_px)


def pareto_indices(points: Sequence[Sequence[float]], *, better: Ways = BETTER) -> list[int]:
    """Return the positions of the points that no other point dominates.

    A point dominates another if it is at least as good in every quantity and better in one; so
    equal points do not dominate each other, and all of them stay. ``better`` says for each of the
    quantities of a point which direction is better.

    Examples
    --------
    >>> latency_ms_and_top1 = [(1.0, 0.80), (2.0, 0.90), (2.5, 0.85)]
    >>> pareto_indices(latency_ms_and_top1)
    [0, 1]
    """
    if not set(better) <= {"lower", "higher"} or any(len(p) != len(better) for p in points):
        raise MeasurementError(f"better is {better!r}; give 'lower' or 'higher' a quantity")
    sign = [1.0 if way == "lower" else -1.0 for way in better]
    cost = np.array(points, dtype=float).reshape(-1, len(better)) * sign
    bad = np.flatnonzero(~np.isfinite(cost).all(axis=1))
    if bad.size:
        raise MeasurementError(f"points[{bad[0]}] is {points[bad[0]]}, not finite; leave it out")
    is_dominated = [((cost <= x).all(axis=1) & (cost < x).any(axis=1)).any() for x in cost]
    return [i for i, dominated in enumerate(is_dominated) if not dominated]


@mpl.rc_context(STYLE)
def pareto_front(
    axes: Axes, points: Points, *, x_label: str, y_label: str, title: str, better: Ways = BETTER
) -> Rows:
    """Draw points, those on the Pareto front filled and joined, dominated ones hollow.

    The values decide who dominates, not their intervals; arrows in the labels say which direction
    is better. Rows: ``name, x, y, is_front`` of each point, in the order given.
    """
    _require(points, most=50)
    front = pareto_indices([(_value(x), _value(y)) for _, x, y in points], better=better)
    rows: Rows = []
    for i, (name, x, y) in enumerate(points):
        look = {"color": COLORS[0]} if i in front else {"color": GREY, "mfc": "white"}
        _draw_points(axes, [(x, y)], marker="o", zorder=3, **look)
        rows.append({"name": name, "x": x, "y": y, "is_front": i in front})
    # Between two points of the front nothing is known to exist: steps, not a slope.
    corners = np.array(sorted((points[i][1].value, points[i][2].value) for i in front))
    axes.step(*corners.T, where="post" if better[0] == "lower" else "pre", color=COLORS[0], lw=0.8)
    axes.margins(0.18, 0.15)
    _finish(axes, title, ARROWS[better[0]].format(x_label), ARROWS[better[1]].format(y_label))
    _write_repeats(axes, x=[x for _, x, _ in points], y=[y for _, _, y in points])
    place_names(axes, points)
    return rows


@mpl.rc_context(STYLE)
def roofline(axes: Axes, layers: Layers, *, peak: Result, bandwidth: Result, title: str) -> Rows:
    """Draw what a machine can attain at each arithmetic intensity, and what layers do attain.

    The roof is ``min(peak, bandwidth * intensity)``, with its interval, peak in op/s, bandwidth in
    B/s; left of the ridge, ``peak / bandwidth``, memory is the bound, right of it arithmetic.
    Rows: ``name, intensity_ops_per_byte, attained_ops_per_s, roof_ops_per_s, bound`` (memory or
    compute) of each layer.
    """
    numbers = [x for _, intensity, attained in layers for x in (intensity, _value(attained))]
    _require(layers, most=200, positive=[_value(peak), _value(bandwidth), *numbers])
    names = ("name", "intensity_ops_per_byte", "attained_ops_per_s", "roof_ops_per_s", "bound")
    ridge = peak.value / bandwidth.value
    rows: Rows = []
    for name, intensity, attained in layers:
        roof = min(peak.value, bandwidth.value * intensity)
        bound = "memory" if intensity < ridge else "compute"
        rows.append(dict(zip(names, (name, intensity, attained, roof, bound), strict=True)))
    ends = [ridge, *(intensity for _, intensity, _ in layers)]
    x = np.geomspace(min(ends) / 3, max(ends) * 3, 200)
    low, high = (np.minimum(getattr(peak, e), getattr(bandwidth, e) * x) for e in ("low", "high"))
    axes.fill_between(x, low, high, color="black", alpha=0.2, linewidth=0)
    axes.loglog(x, np.minimum(peak.value, bandwidth.value * x), color="black")
    axes.axvline(ridge, color=GREY, linestyle=":", linewidth=0.8)
    for i, bound in enumerate(("memory", "compute")):
        bounded = [(counted(row[names[1]]), row[names[2]]) for row in rows if row["bound"] == bound]
        _draw_points(axes, bounded, **{**LOOKS[i], "linestyle": ""}, label=f"{bound}-bound")
    _finish(axes, title, "arithmetic intensity [op/B]", "attained [op/s]")
    _write_repeats(axes, roof=[peak, bandwidth], layers=[attained for _, _, attained in layers])
    place_names(axes, [(name, counted(x), attained) for name, x, attained in layers])
    return rows


@mpl.rc_context(STYLE)
def distribution(
    axes: Axes, samples: Mapping[str, stats.Samples], *, x_label: str, title: str
) -> Rows:
    """Draw the fraction of samples up to each value, and each median with its interval.

    Unlike a histogram it needs no bins and hides no sample, of which there must be 5. Rows:
    ``name, samples`` (sorted), ``median`` (a `stats.Interval`) of each series.
    """
    _require(samples)
    rows: Rows = []
    for i, (name, values) in enumerate(samples.items()):
        median = stats.median_interval(values)
        ordered = np.sort(np.asarray(values, dtype=float))
        axes.ecdf(ordered, color=COLORS[i], linestyle=LINES[i])
        half_way = [(median.result(), counted(0.5))]
        _draw_points(axes, half_way, **LOOKS[i], label=f"{name} (n = {median.n})")
        rows.append({"name": name, "samples": ordered.tolist(), "median": median})
    axes.set_ylim(0, 1.02)
    _finish(axes, title, x_label, "fraction of samples [1]")
    level = min(row["median"].level for row in rows)
    _write_foot(axes, f"medians with {level:.0%} intervals")
    return rows


@mpl.rc_context(STYLE)
def scaling(
    axes: Axes, series: Series, *, x_label: str, y_label: str, title: str, ideal: Ideal = "rises"
) -> Rows:
    """Draw how series scale with workers, each beside its ideal line from the first point.

    A throughput ideally ``rises`` with the workers x, a time ``falls`` as 1 / x. Rows: ``name, x,
    y, ideal, efficiency`` of each point; efficiency is 1 on the ideal line.
    """
    _require(series)
    if ideal not in ("rises", "falls"):
        raise MeasurementError(f"ideal is {ideal!r}; give 'rises' or 'falls'")
    power = 1 if ideal == "rises" else -1
    rows: Rows = []
    for i, (name, points) in enumerate(series.items()):
        ordered = sorted(points, key=lambda point: point[0])
        _require(ordered, most=1000, positive=[v for x, y in ordered for v in (x, _value(y))])
        x0, y0 = ordered[0][0], ordered[0][1].value
        for x, y in ordered:
            best = y0 * (x / x0) ** power
            efficiency = (y.value / best) ** power
            rows.append({"name": name, "x": x, "y": y, "ideal": best, "efficiency": efficiency})
        line = np.linspace(x0, ordered[-1][0], 100)
        label = None if i else "ideal"
        axes.plot(line, y0 * (line / x0) ** power, color=GREY, linewidth=0.7, label=label)
        _draw_points(axes, [(counted(x), y) for x, y in ordered], **LOOKS[i], label=name)
    ticks = sorted({row["x"] for row in rows})
    axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
    if axes.get_yscale() == "linear":
        axes.set_ylim(bottom=0)
    _finish(axes, title, x_label, y_label)
    _write_repeats(axes, y=[row["y"] for row in rows])
    return rows


@mpl.rc_context(STYLE)
def stacked_breakdown(
    axes: Axes, bars: Mapping[str, Mapping[str, Result]], *, x_label: str, title: str
) -> Rows:
    """Draw horizontal bars made of parts, from zero, each part's interval at its end.

    There may be 7 different parts, none negative. Rows: ``bar, part, value, start`` of each part;
    ``start`` is where it begins.
    """
    parts = list(dict.fromkeys(part for bar in bars.values() for part in bar))
    _require(parts)
    starts, places = dict.fromkeys(bars, 0.0), {bar: place for place, bar in enumerate(bars)}
    rows: Rows = []
    for i, part in enumerate(parts):
        for bar in (bar for bar in bars if part in bars[bar]):
            value, start = bars[bar][part], starts[bar]
            if _value(value) < 0:
                raise MeasurementError(f"{part} of {bar} is {value.value}; give parts >= 0")
            rows.append({"bar": bar, "part": part, "value": value, "start": start})
            starts[bar] += value.value
            errors = [[value.value - value.low], [value.high - value.value]]
            look = {**FACES[i], "xerr": errors if value.low < value.high else None}
            axes.barh(places[bar], value.value, 0.6, start, error_kw={"elinewidth": 0.8}, **look)
    axes.set_yticks(list(places.values()), list(places))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", nbins=5)
    faces = [Patch(label=part, **FACES[i]) for i, part in enumerate(parts)]
    axes.legend(handles=faces, **OUTSIDE)
    _finish(axes, title, x_label, "")
    _write_repeats(axes, x=[row["value"] for row in rows])
    return rows


@mpl.rc_context(STYLE)
def learning_curve(axes: Axes, series: Series, *, x_label: str, y_label: str, title: str) -> Rows:
    """Draw series while training, their intervals as bands. Rows: ``name, x, y`` of each point."""
    _require(series)
    rows: Rows = []
    for i, (name, points) in enumerate(series.items()):
        ordered = sorted(points, key=lambda point: point[0])
        _require(ordered, most=10**6)
        x, value = [step for step, _ in ordered], [_value(y) for _, y in ordered]
        low, high = ([getattr(y, end) for _, y in ordered] for end in ("low", "high"))
        axes.fill_between(x, low, high, color=COLORS[i], alpha=0.25, linewidth=0)
        axes.plot(x, value, **LOOKS[i], markevery=max(1, len(x) // 8), label=name)
        rows += [{"name": name, "x": step, "y": y} for step, y in ordered]
    _finish(axes, title, x_label, y_label)
    _write_repeats(axes, y=[row["y"] for row in rows])
    return rows


def _value(result: Result) -> float:
    if not isinstance(result, Result):
        raise MeasurementError(f"{result!r} is no Result; give a .result() or records.counted(...)")
    return result.value


def _require(items: Sized, *, most: int = len(COLORS), positive: Sequence[float] = ()) -> None:
    if not 1 <= len(items) <= most:
        raise MeasurementError(f"{len(items)} things to draw; a figure shows 1 to {most}")
    if any(x <= 0 for x in positive):
        raise MeasurementError(f"{min(positive)} has no place in this figure; give numbers > 0")


def _draw_points(axes: Axes, points: Sequence[tuple[Result, Result]], **look: Any) -> None:
    """Draw points with their intervals as error bars."""
    look = {"linestyle": "", "elinewidth": 0.8, **look}
    if points:
        for name, results in zip("xy", zip(*points, strict=True), strict=True):
            arms = [(r.value - r.low, r.high - r.value) for r in results]
            look |= {name: [r.value for r in results], f"{name}err": np.transpose(arms)}
        axes.errorbar(**look)


def _finish(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    """Write labels, title, legend; refuse a label without a unit, name a log axis."""
    for label, axis in ((x_label, axes.xaxis), (y_label, axes.yaxis)):
        if label and "[" not in label:
            raise MeasurementError(f"label {label!r} names no unit; write 'quantity [unit]'")
        axis.set_label_text(label.replace("]", "] (log)") if axis.get_scale() == "log" else label)
    if not title.strip():
        raise MeasurementError("the figure has no title; give the sentence that it proves")
    if names := axes.get_legend_handles_labels()[1]:
        axes.legend(**(OUTSIDE if len(names) > 4 else {}))
    figure = cast(Figure, axes.figure)
    figure.draw_without_rendering()  # settles where the axes begin, so how much room there is
    room_pt = (figure.bbox.width - axes.bbox.x0) / figure.dpi * 72
    width = max(20, int(room_pt / 5.2))  # a bold letter of 8 pt takes 5.2 pt
    text = textwrap.fill(title, width, break_long_words=False)
    axes.set_title(text, loc="left", weight="bold")


def _write_foot(axes: Axes, text: str) -> None:
    """Add to the small line at the foot of the figure."""
    figure = cast(Figure, axes.figure)
    text = "; ".join(filter(None, (figure.get_supxlabel(), text)))
    figure.supxlabel(text, fontsize=6, color=GREY, x=0.99, ha="right")


def _write_repeats(axes: Axes, **quantities: Sequence[Result]) -> None:
    """Say at the foot how many repeats each quantity rests on, and what was not measured."""
    names: dict[str, list[str]] = {}
    for name, results in quantities.items():
        n = sorted({r.n for r in results if r.kind == "measured"})
        repeats = [f"n = {n[0]}" + (f" to {n[-1]}" if n[1:] else "")] if n else []
        others = sorted({str(r.kind) for r in results} - {"measured"})
        names.setdefault(", ".join(repeats + others), []).append(name)
    _write_foot(axes, "; ".join(f"{' and '.join(who)}: {text}" for text, who in names.items()))


def place_names(axes: Axes, points: Points) -> None:
    """Write each name beside its point, where it covers the fewest points, bars and names."""
    cast(Figure, axes.figure).draw_without_rendering()  # settles where the points lie
    taken = []
    for _, x, y in points:
        ends = [(x.low, y.low), (x.high, y.high), (x.value, y.value)]
        (x0, y0), (x1, y1), (x_mid, y_mid) = axes.transData.transform(ends)
        taken.append(Bbox.from_extents(x0 - 12, y_mid - 12, x1 + 12, y_mid + 12))
        taken.append(Bbox.from_extents(x_mid - 12, y0 - 12, x_mid + 12, y1 + 12))
    for name, x, y in points:
        text = axes.annotate(name, (x.value, y.value), (0, 0), textcoords="offset points", size=7)
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])

        def cost(offset_pt: tuple[int, int], text: Annotation = text) -> int:
            ha = {5: "left", 0: "center", -5: "right"}[offset_pt[0]]
            text.set(position=offset_pt, ha=ha, va="bottom" if offset_pt[1] > 0 else "top")
            box = text.get_window_extent()
            is_inside = axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1 + 9
            return int(box.count_overlaps(taken)) + (0 if is_inside else 4)

        cost(min(((5, 3), (5, -3), (-5, 3), (-5, -3), (0, 6), (0, -6)), key=cost))
        taken.append(text.get_window_extent())
