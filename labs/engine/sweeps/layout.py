"""What a figure of a sweep shows: its marks, who gets a line or a panel, and the words around it.

Decided from settings and results alone, before anything is drawn.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from course_utils.errors import MeasurementError
from course_utils.records import Result
from labs.engine.pages import line, plural
from labs.engine.sweeps.settings import Setting
from labs.engine.sweeps.studies import Figure
from labs.engine.sweeps.table import Summary

MOST_LINES = 7  # as many as `course_utils.plots` has colours
MOST_PANELS = 6
MOST_CATEGORIES = 12  # along an axis
MOST_NAMED = 16  # points with their names beside them
LARGEST = 1e100  # of the numbers that can be drawn
DEFAULT = "default"  # the value of a parameter that a setting leaves alone


@dataclass(frozen=True)
class Mark:
    """One setting in a figure.

    Parameters
    ----------
    setting
        Its parameters.
    place
        Where it stands along x and y.
    x, y
        Its results; no x where that is a parameter.
    line, panel
        To which it belongs.
    runs
        The single runs behind a mean over seeds: their y; none if there is no such mean.
    """

    setting: Setting
    place: tuple[float, float]
    x: Result | None
    y: Result
    line: str
    panel: str
    runs: tuple[float, ...]


@dataclass(frozen=True)
class Layout:
    """What a figure shows.

    Parameters
    ----------
    figure
        As it was asked for.
    marks
        One a setting that has the results.
    by
        The parameter that lines differ in; None if there is one line.
    lines, panels
        Their names, in order; one empty name if there is one.
    others
        Parameters that differ among settings, besides x and `by`.
    is_joined
        Whether marks of a line differ in nothing but x, so that the line may join them.
    values
        Of the parameter along x; none if that is a result.
    """

    figure: Figure
    marks: tuple[Mark, ...]
    by: str | None
    lines: tuple[str, ...]
    panels: tuple[str, ...]
    others: tuple[str, ...]
    is_joined: bool
    values: tuple[Any, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether x is an axis of numbers."""
        return _are_numbers(self.values)


def shown(value: Any) -> str:
    """Return the value of a parameter as one line.

    Examples
    --------
    >>> shown(0.1), shown([8, 16]), shown("fedavg"), shown(True)
    ('0.1', '[8, 16]', 'fedavg', 'true')
    """
    return " ".join((value if isinstance(value, str) else json.dumps(value)).split())


def described(setting: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return some parameters of a setting with their values.

    Examples
    --------
    >>> described({"bits": 4, "width": 8}, ["bits", "epochs"])
    'bits = 4, epochs = default'
    """
    return ", ".join(f"{name} = {shown(setting.get(name, DEFAULT))}" for name in names)


def varying(settings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the parameters that differ among settings, each with its values.

    Numbers are sorted, all else is in the order of the settings.

    Examples
    --------
    >>> varying([{"bits": 4, "width": 8}, {"bits": 2, "width": 8}])
    {'bits': [2, 4]}
    """
    names = dict.fromkeys(name for setting in settings for name in setting)
    values = {name: _values(settings, name) for name in names}
    return {name: found for name, found in values.items() if len(found) > 1}


def layout_of(figure: Figure, summaries: Sequence[Summary]) -> Layout:
    """Decide what a figure shows.

    Parameters
    ----------
    figure
        What is asked for.
    summaries
        One a setting.

    Raises
    ------
    MeasurementError
        If no setting has the results, a number is too large to be drawn, or x has too many values
        that are no numbers.
    """
    is_points = figure.kind == "points"
    names = _results(figure)
    usable = [each for each in summaries if all(name in each.results for name in names)]
    if not usable:
        raise MeasurementError(f"no run that ended well has {' and '.join(names)} yet")
    _check_size(names, usable)
    settings = [each.setting for each in usable]
    differing = varying(settings)
    along = [] if is_points else _values(settings, figure.x)
    if not _are_numbers(along) and len(along) > MOST_CATEGORIES:
        raise MeasurementError(
            f"{figure.x} has {len(along)} values that are no numbers, and an axis shows "
            f"{MOST_CATEGORIES}; choose another x"
        )
    by = figure.by if figure.by in differing else None
    lines = tuple(map(shown, differing[by])) if by else ("",)
    axis = None if is_points else figure.x
    others = tuple(name for name in differing if name not in (axis, by))
    panels = tuple(dict.fromkeys(described(setting, others) for setting in settings))
    is_joined = not is_points and len(lines) <= MOST_LINES and len(panels) <= MOST_PANELS
    if not is_joined:
        panels = ("",)
        if not is_points or len(lines) > MOST_LINES:
            by, lines = None, ("",)
            others = tuple(name for name in differing if name != axis)
    layout = Layout(figure, (), by, lines, panels, others, is_joined, tuple(along))
    return replace(layout, marks=tuple(_mark(each, layout) for each in usable))


def _check_size(names: Sequence[str], summaries: Sequence[Summary]) -> None:
    for name in names:
        results = [each.results[name] for each in summaries]
        if (most := max(max(abs(each.low), abs(each.high)) for each in results)) > LARGEST:
            raise MeasurementError(f"{name} reaches {most:g}; a figure shows {LARGEST:g} at most")


def _mark(summary: Summary, layout: Layout) -> Mark:
    setting, figure = summary.setting, layout.figure
    y = summary.results[figure.y]
    runs = [row.results[figure.y].value for row in summary.rows if figure.y in row.results]
    if figure.kind == "points":
        x, along = summary.results[figure.x], summary.results[figure.x].value
    else:
        value, x = setting.get(figure.x, DEFAULT), None
        texts = map(shown, layout.values)
        along = value if layout.is_numeric else list(texts).index(shown(value))
    return Mark(
        setting=dict(setting),
        place=(along, y.value),
        x=x,
        y=y,
        line=shown(setting.get(layout.by, DEFAULT)) if layout.by else "",
        panel=described(setting, layout.others) if layout.is_joined else "",
        runs=tuple(runs) if summary.over_seeds else (),
    )


def caption_of(layout: Layout, summaries: Sequence[Summary]) -> str:
    """Say what the marks are and what their intervals mean, how they differ, what is missing.

    Parameters
    ----------
    layout
        What the figure shows.
    summaries
        All settings, also those that it cannot show.
    """
    return " ".join([*_meaning(layout), *_differences(layout), *_missing(layout, summaries)])


def alt_of(layout: Layout) -> str:
    """Say the kind of a figure, its axes, and where its lowest and highest marks are."""
    figure = layout.figure
    kind = "Lines" if layout.is_joined else "Points"
    each = "line" if layout.is_joined else "kind of point"
    by = f", a {each} for each of {len(layout.lines)} values of {layout.by}" if layout.by else ""
    panels = f", in {len(layout.panels)} panels" if len(layout.panels) > 1 else ""
    names = list(varying([mark.setting for mark in layout.marks]))
    ends = []
    for word, choose in (("Lowest", min), ("Highest", max)):
        mark = choose(layout.marks, key=lambda mark: mark.y.value)
        at = described(mark.setting, names)
        ends.append(f"{word}: {mark.y.describe(figure.y)}" + (f" at {at}" if at else ""))
    return line(f"{kind}: {figure.y} against {figure.x}{by}{panels}. {'; '.join(ends)}.")


def _results(figure: Figure) -> tuple[str, ...]:
    return (figure.y, figure.x) if figure.kind == "points" else (figure.y,)


def _meaning(layout: Layout) -> list[str]:
    said = []
    counts = sorted({len(mark.runs) for mark in layout.marks if mark.runs})
    single = [mark for mark in layout.marks if not mark.runs]
    if counts:
        n = f"{counts[0]} to {counts[-1]}" if counts[1:] else f"{counts[0]}"
        dots = "" if layout.figure.kind == "points" else "; small dots are single runs"
        said.append(
            f"Each mark is the mean over n = {n} seeds, with Student's t interval of 95 %{dots}."
        )
    if single:
        results = [each for mark in single for each in (mark.x, mark.y) if each]
        has_interval = any(each.low < each.high for each in results)
        where = f"At {plural(len(single), 'setting')} it" if counts else "Each mark"
        interval = "the run's own interval" if has_interval else "no interval"
        said.append(f"{where} is a single run, with {interval}.")
    y_kinds = {mark.y.kind for mark in layout.marks}
    x_kinds = {mark.x.kind for mark in layout.marks if mark.x}
    for name, kinds in ((layout.figure.y, y_kinds), (layout.figure.x, x_kinds)):
        if others := sorted(kinds - {"measured"}):
            said.append(f"{name} is {' or '.join(others)}.")
    return said


def _differences(layout: Layout) -> list[str]:
    """Say which parameters differ among marks that look alike, and what only looks different."""
    names = ", ".join(layout.others)
    if layout.is_joined and len(layout.lines) > 1:
        return ["Marks of different lines stand a little beside each other."]
    if layout.is_joined or not names:
        return []
    if layout.figure.kind == "lines":
        return [f"The settings differ in {names} as well, so no line joins them."]
    beside = len(layout.marks) <= MOST_NAMED
    return [f"Beside each point: {names}." if beside else f"The points differ in {names}."]


def _missing(layout: Layout, summaries: Sequence[Summary]) -> list[str]:
    said = []
    if missing := len(summaries) - len(layout.marks):
        of_all = plural(len(summaries), "setting")
        names = " and ".join(_results(layout.figure))
        said.append(f"{missing} of {of_all} missing: no run that ended well has {names}.")
    failed, waiting = (sum(getattr(x, state) for x in summaries) for state in ("failed", "open"))
    said += [f"{plural(failed, 'run')} failed."] if failed else []
    said += [f"{plural(waiting, 'run')} not over yet."] if waiting else []
    return said


def _values(settings: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """Return the distinct values of a parameter."""
    values = [setting.get(name, DEFAULT) for setting in settings]
    distinct = list({shown(value): value for value in values}.values())
    return sorted(distinct) if _are_numbers(distinct) else distinct


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(
        isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= LARGEST for x in values
    )
