"""The figures of a sweep: a result against a parameter, or two results against each other.

Every mark is one setting: the mean over its seeds with its interval, never a mean over settings.
Parameters that are neither an axis nor told apart by lines get a panel for each combination; where
that would be too many, the settings are drawn as points that no line joins, and the caption says
which parameters differ among them. It also says what is missing. The style is that of
`course_utils.plots`; nothing is read or run here.
"""

import io
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.transforms import ScaledTranslation, Transform

from course_utils import plots, units
from course_utils.records import Result
from course_utils.stats import Floats
from labs.engine.pages import line
from labs.engine.sweeps.layout import (
    DEFAULT,
    LARGEST,
    MOST_LINES,
    MOST_NAMED,
    Layout,
    Mark,
    alt_of,
    caption_of,
    layout_of,
    shown,
)
from labs.engine.sweeps.settings import Setting
from labs.engine.sweeps.studies import Figure
from labs.engine.sweeps.table import Summary

SMALL, MANY = 30, 300  # marks, from which on they are small, and drawn as pixels: a small file
LOG_FROM = 10**1.5  # largest over smallest value
_PANEL_HEIGHT_IN, _TITLE_LETTERS = 2.2, 92


@dataclass(frozen=True)
class Drawing:
    """A figure that is drawn.

    Parameters
    ----------
    canvas
        The picture.
    layout
        The data drawn.
    alt
        What it shows, for those who do not see it.
    caption
        What its marks are, and what is missing.
    """

    canvas: Canvas
    layout: Layout
    alt: str
    caption: str

    def svg(self) -> bytes:
        """Return the picture as SVG, the same bytes for the same data."""
        file = io.BytesIO()
        style = plots.STYLE | {"svg.hashsalt": "sweep"}
        with mpl.rc_context(style), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # of a value
            metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            self.canvas.savefig(file, format="svg", metadata=metadata)
        return file.getvalue()


@mpl.rc_context(plots.STYLE)
def draw(
    figure: Figure,
    summaries: Sequence[Summary],
    *,
    marked: Mapping[str, Setting] | None = None,
    data: str = "",
) -> Drawing:
    """Draw a figure of a sweep.

    Parameters
    ----------
    figure
        What to draw.
    summaries
        One a setting.
    marked
        Word -> a setting that gets a ring and this word.
    data
        Names of the data sets, for the foot.

    Raises
    ------
    MeasurementError
        As `layout_of`: there is nothing to draw, or it has no place in a figure.
    """
    layout = layout_of(figure, summaries)
    canvas, panels = _panels(layout, data=data)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # of a value
        is_cut = (_draw_points if figure.kind == "points" else _draw_lines)(panels, layout)
        _draw_rings(panels, layout, marked=marked or {})
        _label(canvas, panels, layout)
    cut = " Intervals that leave the picture are cut." if is_cut else ""
    return Drawing(canvas, layout, alt_of(layout), caption_of(layout, summaries) + cut)


def _panels(layout: Layout, *, data: str) -> tuple[Canvas, list[Axes]]:
    """Return a picture with one axes for each panel."""
    canvas, only = plots.new_figure(data=_plain(data), wide=True)
    count = len(layout.panels)
    if count == 1:
        return canvas, [only]
    only.remove()
    columns = _columns(count)
    height = -(-count // columns)
    canvas.set_size_inches(7.0, _PANEL_HEIGHT_IN * height + 0.3)
    grid = canvas.subplots(height, columns, sharex=True, sharey=True, squeeze=False).flatten()
    for axes in grid:
        axes.tick_params(which="both", labelsize=7)
    for axes in grid[count:]:
        axes.remove()
    for axes in grid[max(0, count - columns) : count]:
        axes.tick_params(labelbottom=True)
    return canvas, list(grid[:count])


def _columns(panels: int) -> int:
    return 2 if panels == 4 else min(panels, 3)


def _draw_lines(panels: Sequence[Axes], layout: Layout) -> bool:
    """Draw a result against a parameter and return whether intervals are cut."""
    for panel, axes in zip(layout.panels, panels, strict=True):
        for name in layout.lines:
            marks = [each for each in layout.marks if (each.panel, each.line) == (panel, name)]
            if marks:
                _draw_line(axes, sorted(marks, key=lambda mark: mark.place), layout)
    _set_x(panels[0], layout)
    results = [mark.y for mark in layout.marks]
    runs = [y for mark in layout.marks for y in mark.runs]
    return _set_limits(panels[0], results, axis="y", runs=runs)


def _draw_line(axes: Axes, marks: Sequence[Mark], layout: Layout) -> None:
    """Draw the settings of one line, with their intervals and single runs."""
    look = _look(layout, marks[0])
    runs = [(mark.place[0], y) for mark in marks for y in mark.runs]
    if runs:
        dots: dict[str, Any] = {"marker": ".", "markersize": 4, "linestyle": "", "alpha": 0.5}
        dots |= {"color": look["color"], "rasterized": len(runs) > MANY // MOST_LINES}
        beside = _shift(axes, layout, marks[0], more_pt=2.5)
        axes.plot(*zip(*runs, strict=True), **dots, transform=beside)
    x, y = zip(*(mark.place for mark in marks), strict=True)
    shift = _shift(axes, layout, marks[0])
    axes.errorbar(x, y, yerr=_arms([mark.y for mark in marks]), **look, transform=shift)


def _draw_points(panels: Sequence[Axes], layout: Layout) -> bool:
    """Draw two results against each other and return whether intervals are cut."""
    axes, marks = panels[0], layout.marks
    points = [(mark.x, mark.y) for mark in marks if mark.x]
    for name in layout.lines:
        mine = [mark for mark in marks if mark.line == name and mark.x]
        x, y = zip(*(mark.place for mark in mine), strict=True)
        x_arms, y_arms = (_arms([getattr(mark, axis) for mark in mine]) for axis in "xy")
        axes.errorbar(x, y, xerr=x_arms, yerr=y_arms, **_look(layout, mine[0]))
    is_cut = [
        _set_limits(axes, results, axis=axis)
        for axis, results in zip("xy", zip(*points, strict=True), strict=True)
    ]
    if layout.others and len(marks) <= MOST_NAMED:
        names = (
            ", ".join(shown(mark.setting.get(name, DEFAULT)) for name in layout.others)
            for mark in marks
        )
        named = [(_plain(name), *point) for name, point in zip(names, points, strict=True)]
        plots.place_names(axes, named)
    return any(is_cut)


def _look(layout: Layout, mark: Mark) -> dict[str, Any]:
    """Return how the marks of a line look."""
    look = plots.LOOKS[layout.lines.index(mark.line)] | {"elinewidth": 0.8}
    look |= {} if layout.is_joined and layout.is_numeric else {"linestyle": ""}
    is_small = len(layout.marks) > SMALL * len(layout.panels)
    look |= {"markersize": 2, "capsize": 0} if is_small else {}
    return look | {"rasterized": len(layout.marks) > MANY}


def _shift(axes: Axes, layout: Layout, mark: Mark, *, more_pt: float = 0.0) -> Transform:
    """Return the place of a line's marks, a little beside those of its neighbours."""
    middle = (len(layout.lines) - 1) / 2
    beside_pt = min(5, 16 / len(layout.lines)) * (layout.lines.index(mark.line) - middle) + more_pt
    scale = cast(Canvas, axes.figure).dpi_scale_trans
    return axes.transData + ScaledTranslation(beside_pt / 72, 0, scale)


def _arms(results: Sequence[Result]) -> Floats:
    """Return lengths below and above, (2, n); no number where there is no interval."""
    arms = np.transpose([(r.value - r.low, r.high - r.value) for r in results]).astype(float)
    arms[:, ~arms.any(axis=0)] = np.nan
    return arms


def _set_x(axes: Axes, layout: Layout) -> None:
    """Scale the axis of a parameter, with a tick at each value where there is room."""
    columns = _columns(len(layout.panels))
    if not layout.is_numeric:
        texts = [_plain(textwrap.shorten(shown(v), 24, placeholder="...")) for v in layout.values]
        is_long = sum(map(len, texts)) > 80 / columns
        turn: dict[str, Any] = {"rotation": 20, "ha": "right"} if is_long else {}
        axes.set_xticks(range(len(texts)), texts, **turn)
        axes.set_xlim(-0.5, len(texts) - 0.5)
        return
    values = np.array(layout.values, dtype=float)  # sorted
    is_log = _set_scale(axes, "x", values)
    places = np.log10(values) if is_log else values
    span = float(np.ptp(places))
    margin = 0.06 * span or 0.1 * abs(float(places[0])) or 1.0
    _set_view(axes, "x", (places[0] - margin, places[-1] + margin), is_log=is_log)
    if np.diff(places).min(initial=np.inf) >= 0.06 * columns * span:
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()


def _set_limits(
    axes: Axes, results: Sequence[Result], *, axis: str, runs: Sequence[float] = ()
) -> bool:
    """Show all means and runs, and of the intervals what fits; return whether some are cut.

    The interval of two seeds may be a hundred times as long as their distance.
    """
    seen = np.array([*(each.value for each in results), *runs], dtype=float)
    ends = np.array([(each.low, each.high) for each in results], dtype=float)
    if is_log := _set_scale(axes, axis, seen):
        seen, ends = np.log10(seen), np.log10(np.maximum(ends, seen.min() / 1e3))
    span = float(np.ptp(seen)) or float(np.ptp(ends)) or abs(float(seen[0])) or 1.0
    low = min(seen.min(), max(ends.min(), seen.min() - span))
    high = max(seen.max(), min(ends.max(), seen.max() + span))
    margin = 0.08 * (high - low) or 0.1 * span
    view = (low - margin, high + margin)
    _set_view(axes, axis, view, is_log=is_log)
    return bool((ends < view[0]).any() or (ends > view[1]).any())


def _draw_rings(panels: Sequence[Axes], layout: Layout, *, marked: Mapping[str, Setting]) -> None:
    """Draw a ring and a word around the settings that are marked."""
    ring: dict[str, Any] = {"ms": 10, "mfc": "none", "mec": "black", "mew": 1.2, "zorder": 4}
    word_look: dict[str, Any] = {"textcoords": "offset points", "size": 7, "weight": "bold"}
    word_look["path_effects"] = [withStroke(linewidth=2, foreground="white")]
    for word, setting in marked.items():
        for mark in (mark for mark in layout.marks if mark.setting == dict(setting)):
            axes = panels[layout.panels.index(mark.panel)]
            axes.plot(*mark.place, "o", **ring, transform=_shift(axes, layout, mark))
            axes.annotate(_plain(word), mark.place, (7, -9), **word_look)


def _label(canvas: Canvas, panels: Sequence[Axes], layout: Layout) -> None:
    """Write title, axes, panels and legend."""
    figure, columns = layout.figure, _columns(len(panels))
    for number, (panel, axes) in enumerate(zip(layout.panels, panels, strict=True)):
        axes.set_title(textwrap.fill(_plain(panel), 40), fontsize=7)
        if number % columns == 0:
            axes.set_ylabel(_axis_label(figure.y, axes.get_yscale()))
        if number >= len(panels) - columns:
            label = _axis_label(figure.x, axes.get_xscale())
            axes.set_xlabel(label if layout.is_numeric else _plain(figure.x))
    if layout.by:
        joins = {} if layout.is_joined else {"linestyle": ""}
        looks = zip(layout.lines, plots.LOOKS, strict=False)
        handles = [Line2D([], [], label=_plain(name)[:30], **look | joins) for name, look in looks]
        title = _plain(layout.by)
        canvas.legend(handles=handles, title=title, title_fontsize=7, loc="outside right upper")
    title = figure.title or f"{figure.y} against {figure.x}"
    text = textwrap.fill(_plain(title), _TITLE_LETTERS)
    canvas.suptitle(text, x=0.01, ha="left", weight="bold", fontsize=8)


def _axis_label(name: str, scale: str) -> str:
    return f"{_plain(name)} [{units.unit_of(name) or '1'}]" + (" (log)" if scale == "log" else "")


def _plain(text: str) -> str:
    """Return a text in which nothing is taken for a formula."""
    return line(text, characters=200).replace("$", r"\$")


def _set_scale(axes: Axes, axis: str, values: Floats) -> bool:
    """Make an axis logarithmic if the values are positive and far apart; return whether it is."""
    low, high = values.min(), values.max()
    is_log = bool(low > 1 / LARGEST and high > LOG_FROM * low)
    if is_log:
        getattr(axes, f"set_{axis}scale")("log")
    return is_log


def _set_view(axes: Axes, axis: str, ends: tuple[float, float], *, is_log: bool) -> None:
    getattr(axes, f"set_{axis}lim")(*(10**end if is_log else end for end in ends))
