"""Two things to watch and turn in a notebook: a live meter, and an explorer of measured records.

- ``live_meter``       time, memory, power and carbon of a cell while it runs
- ``explore_records``  a plot of a sweep, or of other records, with sliders for their parameters

What they leave in the notebook is an ordinary output, a table or a picture with its text, never a
widget alone: it is still there when the kernel is gone, in an exported page, and where no front end
listens (papermill, nbval, a script). Only the sliders below the picture need a living kernel; the
live meter has no widget at all, its output is rewritten in place.

There is a front end if Jupyter's server, Colab or VS Code started this kernel, unless the variable
``COURSE_STATIC`` says otherwise: 1 never, 0 always. Nothing is measured or invented here.
"""

import math
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import psutil

from course_utils import carbon, energy, plots, units
from course_utils.energy import EnergyReading
from course_utils.errors import MeasurementError
from course_utils.records import (
    BEFORE,
    BEHIND,
    ENDINGS,
    Result,
    counted,
    read_records,
    result_from_json,
)

if TYPE_CHECKING:
    from pandas import DataFrame

Records = Sequence[Mapping[str, Any]]  # as `records.read_record` returns them
ALL = "all"  # a slider's first position: any value
MIN_REFRESH_S = 0.05
MOST_TOLD = 20  # points in the alternative text
TITLE_LETTERS = 40  # that fit above a figure, bold


def is_interactive() -> bool:
    """Return whether a front end shows the outputs of this kernel and answers to widgets."""
    wish = os.environ.get("COURSE_STATIC", "")
    if wish == "1" or not _has_kernel():
        return False
    return (
        wish == "0"
        or "JPY_SESSION_NAME" in os.environ  # set by jupyter_server: Lab, Notebook, JupyterHub
        or "google.colab" in sys.modules
        or "__vsc_ipynb_file__" in _shell().user_ns  # VS Code
    )


def _shell() -> Any:
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    return ipython.get_ipython() if ipython else None


def _has_kernel() -> bool:
    return getattr(_shell(), "kernel", None) is not None


@dataclass(repr=False)
class LiveMeter(energy.Shown):
    """What `live_meter` shows: the reading so far, at the end that of the whole block.

    ``state`` is ``running``, ``done`` or ``stopped by an error``; ``grid`` whose electricity the
    grams are of; ``memory_bytes`` the most resident memory of this process at any refresh.
    """

    grid: carbon.GridIntensity
    state: str = "starting"
    reading: EnergyReading | None = None
    memory_bytes: int = 0
    power_w: float = 0.0

    def update(self, reading: EnergyReading, state: str = "running") -> None:
        """Take in a new reading: while running the power since the last one, then the mean."""
        last = self.reading if state == "running" else None
        energy_j = reading.energy_j - (last.energy_j if last else 0.0)
        duration_s = reading.duration_s - (last.duration_s if last else 0.0)
        self.power_w = energy_j / duration_s if duration_s > 0 else 0.0
        self.memory_bytes = max(self.memory_bytes, psutil.Process().memory_info().rss)
        self.reading, self.state = reading, state

    def carbon_result(self) -> Result:
        """Return the carbon so far [gCO2e], as `carbon.operational_carbon`."""
        if self.reading is None:
            raise MeasurementError("the meter has no reading yet; wait for the first refresh")
        return carbon.operational_carbon(self.reading.result(), self.grid)

    def rows(self) -> dict[str, str]:
        """Return what is shown: names and texts."""
        if self.reading is None:
            return {"meter": self.state}
        power = "power" if self.state == "running" else "mean power"
        grid = f"{self.grid.country} {self.grid.year}, {self.grid.g_per_kwh:.0f} g/kWh"
        return {
            "meter": self.state,
            "time": f"{self.reading.duration_s:.1f} s",
            "memory": f"{units.format_bytes(self.memory_bytes)}, the most seen",
            power: f"{units.format_number(self.power_w)} W",
            "energy": f"{self.reading.result().describe('energy_j')}, {self.reading.tier}",
            "carbon": f"{self.carbon_result().describe('carbon_g')} ({grid})",
        }


@contextmanager
def live_meter(
    country: str = "DEU", *, device: str = "cpu", refresh_s: float = 0.3
) -> Iterator[LiveMeter]:
    """Show time, memory, power and carbon of a block while it runs; the last state stays.

    Parameters
    ----------
    country
        As for `carbon.grid_intensity`; the meter names it.
    device
        As for `energy.meter`.
    refresh_s
        Time between two refreshes, each about 1 ms of work in a thread; at least 0.05 s.

    Raises
    ------
    MeasurementError
        If there is no such country or device.

    Examples
    --------
    >>> with live_meter("SWE") as meter:
    ...     work = sum(range(100_000))
    >>> meter.state, meter.grid.country, meter.carbon_result().kind
    ('done', 'SWE', 'modelled')
    """
    view, stop = LiveMeter(carbon.grid_intensity(country)), Event()
    wait_s = max(MIN_REFRESH_S, refresh_s)
    shown = _display(view) if is_interactive() else None

    def refresh() -> None:
        while not stop.wait(wait_s):
            try:
                view.update(meter.read())
            except MeasurementError:  # the end of the block reports it
                return
            if shown:
                shown.update(view)

    try:
        with energy.meter(device) as meter:
            thread = Thread(target=refresh, daemon=True)
            thread.start()
            try:
                yield view
            finally:
                stop.set()
                thread.join()
                view.update(meter.read(), "stopped by an error")
        view.update(meter.reading, "done")
    finally:
        if shown:
            shown.update(view)
        elif _has_kernel():
            _display(view)


def _display(content: Any) -> Any:
    """Show an output in a notebook, and return its handle, whose ``update`` rewrites it."""
    from IPython import display  # noqa: PLC0415 - called in kernels, which have it

    return display.display(content, display_id=True)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class RecordExplorer:
    """Records with a choice of what to plot: ``records``, ``x``, ``y`` and ``chosen``.

    They are those of `explore_records`.
    """

    records: Records = field(repr=False)
    x: str
    y: str
    chosen: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse a choice that no record has."""
        for name in (self.x, self.y):
            if all(_number(record, name) is None for record in self.done):
                known = {n for r in self.done for n in (*r["results"], *r["parameters"])}
                there = ", ".join(sorted(known)) or "nothing"
                raise MeasurementError(
                    f"no record has a number {name!r}; there is {there}{self._left_out()}"
                )
        for name, value in self.chosen.items():
            if value not in self.choices.get(name, ()):
                raise MeasurementError(f"no choice {name} = {value!r}; there is {self.choices}")

    @cached_property
    def done(self) -> Records:
        """The records of runs that ended well; no other is drawn."""
        return [r for r in self.records if r.get("status", "ok") == "ok"]

    def _left_out(self) -> str:
        failed = sum(record.get("status") == "failed" for record in self.records)
        open_ = len(self.records) - len(self.done) - failed
        counts = {"failed": failed, "not over": open_}
        text = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f" ({text})" if text else ""

    @cached_property
    def choices(self) -> dict[str, list[Any]]:
        """The parameters that differ between records, each with its values in order."""
        choices: dict[str, list[Any]] = {}
        for record in self.done:
            for name, value in record["parameters"].items():
                if value not in choices.setdefault(name, []):
                    choices[name].append(value)
        for values in choices.values():
            values.sort(key=lambda x: (0, x, "") if isinstance(x, int | float) else (1, 0, str(x)))
        return {name: values for name, values in choices.items() if len(values) > 1}

    def points(self) -> list[tuple[str, Result, Result]]:
        """Return all parameters, x and y of each point drawn, in the order of the records."""
        return [
            (", ".join(f"{k}={v}" for k, v in record["parameters"].items()), x, y)
            for record in self.done
            if all(record["parameters"].get(k) == v for k, v in self.chosen.items())
            and (x := _number(record, self.x)) is not None
            and (y := _number(record, self.y)) is not None
        ]

    @mpl.rc_context(plots.STYLE)
    def picture(self) -> plots.Picture:
        """Return the plot of the points, with their numbers as its alternative text."""
        points = self.points()
        x, y = [x for _, x, _ in points], [y for _, _, y in points]
        figure, axes = plots.new_figure(data=_data_names(self.done))
        values = [r.value for r in x], [r.value for r in y]
        axes.errorbar(*values, xerr=_arms(x), yerr=_arms(y), fmt="o", color=plots.COLORS[0])
        held = ", ".join(f"{name} = {value}" for name, value in self.chosen.items())
        count = f"{len(points)} of {len(self.done)} records{self._left_out()}"
        title = textwrap.fill(f"{count}{' with ' if held else ''}{held}", TITLE_LETTERS)
        axes.set_title(title, loc="left", weight="bold")
        axes.set(xlabel=_label(self.x, x), ylabel=_label(self.y, y))
        told = [f"{x.describe(self.x)}, {y.describe(self.y)} ({run})" for run, x, y in points]
        if len(told) > MOST_TOLD:
            told[MOST_TOLD:] = [f"and {len(told) - MOST_TOLD} more"]
        text = f"{self.y} against {self.x}, {count}{', ' if held else ''}{held}: {'; '.join(told)}"
        return plots.show(figure, alt=text)

    def _ipython_display_(self) -> None:
        shown = _display(self.picture())
        if not is_interactive():
            return
        from ipywidgets import SelectionSlider, VBox  # noqa: PLC0415 - only for a front end

        look = {"continuous_update": False, "style": {"description_width": "initial"}}
        sliders = {
            name: SelectionSlider(
                description=name,
                options=[ALL, *values],
                value=self.chosen.get(name, ALL),
                **look,
            )
            for name, values in self.choices.items()
        }

        def redraw(_: object) -> None:
            chosen = {name: s.value for name, s in sliders.items() if s.value != ALL}
            shown.update(replace(self, chosen=chosen).picture())

        for slider in sliders.values():
            slider.observe(redraw, names="value")
        _display(VBox(list(sliders.values())))


def explore_records(
    records: "str | Path | DataFrame | Records",
    *,
    x: str,
    y: str,
    chosen: Mapping[str, Any] | None = None,
) -> RecordExplorer:
    """Return an explorer of records; as the last expression of a cell it shows itself.

    Parameters
    ----------
    records
        Folder of a sweep or of records, a table of `records.load`, or records as
        `records.read_record` returns them. Those that hold both quantities are drawn, at the
        values they hold: nothing is interpolated. Runs that failed, or are not over, are counted.
    x, y
        Names of results, or of parameters that are numbers.
    chosen
        Parameters to hold at one of their values to begin with; by default none.

    Raises
    ------
    MeasurementError
        If no record holds one of them as a number, or has what is chosen.
    RecordError
        If the folder holds no records, or damaged ones.

    Examples
    --------
    >>> def measured(value):
    ...     return {"value": value, "low": value, "high": value, "n": 6, "kind": "measured"}
    >>> runs = [
    ...     {"parameters": {"width": w}, "results": {"latency_ms": measured(ms)}}
    ...     for w, ms in [(0.5, 1.1), (1.0, 2.3)]
    ... ]
    >>> explorer = explore_records(runs, x="width", y="latency_ms", chosen={"width": 1.0})
    >>> [y.value for _, _, y in explorer.points()]
    [2.3]
    """
    if isinstance(records, str | Path):
        records = read_records(records)
    elif hasattr(records, "columns"):
        records = _of_table(records)
    if isinstance(records, Mapping) or not all(isinstance(r, Mapping) for r in records):
        raise MeasurementError(
            "records are no list of records; give the folder of a sweep, a table of records.load, "
            "or [records.read_record(PATH)]"
        )
    return RecordExplorer(records, x, y, chosen or {})


def _of_table(table: "DataFrame") -> Records:
    """Return the rows of a table as records: what has an interval and a kind is a result."""
    results = [n for n in table.columns if all(f"{n}{end}" in table.columns for end in ENDINGS)]
    of_results = {f"{name}{end}" for name in results for end in ENDINGS}
    others = [n for n in table.columns if n not in of_results and n not in (*BEFORE, *BEHIND)]
    records = []
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        there = {name: value for name, value in row.items() if value is not None}
        fields = {
            name: {key: row[name + end] for end, key in ENDINGS.items()}
            for name in results
            if name in there
        }
        records.append(
            {
                "parameters": {name: there[name] for name in others if name in there},
                "status": there.get("status", "ok"),
                "results": {name: each | {"n": int(each["n"])} for name, each in fields.items()},
                "provenance": {"data": [there["data"]] if there.get("data") else []},
            }
        )
    return records


def _number(record: Mapping[str, Any], name: str) -> Result | None:
    """Return a result or a parameter of a record, or None where it has no such number."""
    if name in record["results"]:
        return result_from_json(name, record["results"][name])
    value = record["parameters"].get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return counted(value)  # a parameter is exact


def _data_names(records: Records) -> str:
    names = (record.get("provenance", {}).get("data", ()) for record in records)
    return ", ".join(dict.fromkeys(str(name) for some in names for name in some))


def _arms(results: Sequence[Result]) -> list[list[float]]:
    """Return how far the intervals reach below and above the values."""
    return [[r.value - r.low for r in results], [r.high - r.value for r in results]]


def _label(name: str, values: Sequence[Result]) -> str:
    """Return the name with its unit, and what of it was not measured: no axis of its own then."""
    others = sorted({value.kind for value in values} - {"measured", "counted"})
    unit = units.unit_of(name)
    return ", ".join([f"{name} [{unit}]" if unit else name, *others])
