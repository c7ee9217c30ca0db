"""Energy of a block of code: where the number comes from, and how sure it is.

``with energy.meter() as m: ...`` leaves ``m.reading``; `energy_per_call` repeats a function until
the number has an interval. `course_utils.energy.sources` are tried in this order, and the notes of
a reading say why no better one was taken: RAPL, with NVML added for an NVIDIA GPU, powermetrics, a
model of CPU time and memory.

Tiers: ``measured`` (a counter), ``modelled`` (computed from measurements), ``assumed`` (a power
that nobody looked up: a GPU without a counter). A sum has the tier of its weakest part. Unless it
is measured, energy is little but time in other units: compare times, and conclude nothing from a
plot of one against the other. The wall socket gives more: supply, disk and cooling are in none of
these. Nothing here uses the network.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from time import perf_counter
from typing import Any

from course_utils import carbon, stats, timing, units
from course_utils.energy.sources import MODEL_ERROR, Counter, Source, cpu_time_s, default_sources
from course_utils.errors import MeasurementError
from course_utils.records import KINDS, Kind, Result, html_table
from course_utils.units import format_number

Sources = Sequence[Sequence[Source]]  # of the processor, of a GPU beside it; the best first
NOISY_RATIO = 1.3  # wall time / CPU time
MIN_CPU_S = 0.5
MIN_REPEATS = 6  # the fewest that give the median an interval of 95 %
# All that a user's own configuration of codecarbon could turn into a message, a file, a request to
# the network or another number: it is read for what is not given here.
_CODECARBON_SETTINGS: dict[str, Any] = {
    "tracking_mode": "process",
    "allow_multiple_runs": True,
    "output_methods": [],
    "electricitymaps_api_token": "",
    "pue": 1.0,
    **dict.fromkeys(("emissions_endpoint", "region", "cloud_provider", "cloud_region")),
    **dict.fromkeys(("force_cpu_power", "force_ram_power", "force_carbon_intensity_g_co2e_kwh")),
}


class Shown:
    """Shows its rows: in one line as text, as a table in a notebook."""

    def rows(self) -> dict[str, str]:
        """Return what there is to say: names and texts."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return "; ".join(f"{name}: {text}" for name, text in self.rows().items() if name != "notes")

    def _repr_html_(self) -> str:
        return html_table([{"quantity": n, "value": text} for n, text in self.rows().items()])


@dataclass(frozen=True, repr=False)
class EnergyReading(Shown):
    """The energy of one block, and how far off its source may be (alike in every repeat).

    Parameters
    ----------
    parts
        By source the energy of the processor and, if there is one, of the GPU [J].
    duration_s, cpu_s
        Wall time, and CPU time with that of ended children.
    device
        As for `meter`.
    notes
        Why no better source was taken.
    """

    parts: Mapping[str, Result]
    duration_s: float
    cpu_s: float
    device: str = "cpu"
    notes: tuple[str, ...] = ()

    @property
    def energy_j(self) -> float:
        """The sum of the parts."""
        return self.result().value

    @property
    def tier(self) -> Kind:
        """How the weakest part was come by."""
        return self.result().kind

    @property
    def source(self) -> str:
        """What was read."""
        return " + ".join(self.parts)

    @property
    def noisy(self) -> bool:
        """Whether wall time is over 1.3 times CPU time: the block waited or was displaced.

        Several threads take less wall than CPU time, so what disturbs them may go unseen. With a
        GPU the CPU waits by design, so this is False.
        """
        return self.device == "cpu" and self.duration_s > NOISY_RATIO * self.cpu_s

    def result(self) -> Result:
        """Return the energy [J] as one observation; errors add up, as all may err the same way."""
        parts = self.parts.values()
        bounds = zip(*((part.value, part.low, part.high) for part in parts), strict=True)
        value, low, high = (sum(column) for column in bounds)
        return Result(value, low, high, n=1, kind=max((p.kind for p in parts), key=KINDS.index))

    def rows(self) -> dict[str, str]:
        """Return what there is to say: names and texts."""
        noisy = f" (noisy: wall over {NOISY_RATIO} * CPU)" if self.noisy else ""
        caution = "" if self.tier == "measured" else ", not independent of time"
        return {
            "energy": self.result().describe("energy_j"),
            "tier": f"{self.tier}{caution}",
            "source": self.source,
            "wall": f"{format_number(self.duration_s)} s{noisy}",
            "CPU": f"{format_number(self.cpu_s)} s",
            **({"notes": "; ".join(self.notes)} if self.notes else {}),
        }


class Meter:
    """What `meter` gives: `read` it at any time, take ``reading`` after the block.

    Parameters
    ----------
    device
        Awaited at both ends.
    counters
        Open ones, of the processor and of a GPU beside it.
    notes
        Why there are no better ones.
    """

    def __init__(self, device: str, counters: Sequence[Counter], *, notes: Sequence[str]) -> None:
        self._device, self._counters, self._notes = device, counters, tuple(notes)
        self._reading: EnergyReading | None = None
        timing.synchronize(device)
        self._cpu_0_s, self._begin_s = cpu_time_s(), perf_counter()

    @property
    def min_window_s(self) -> float:
        """The shortest block that is read well: 5 updates of the slowest counter."""
        return max(5 * counter.update_s for counter in self._counters)

    @property
    def reading(self) -> EnergyReading:
        """The energy of the whole block, once it has ended without an error."""
        if self._reading is None:
            raise MeasurementError("the block still runs or raised; read() gives its energy so far")
        return self._reading

    def read(self) -> EnergyReading:
        """Return the energy of the block so far."""
        wall_s, cpu_s = perf_counter() - self._begin_s, cpu_time_s() - self._cpu_0_s
        parts = {counter.name: counter.read(wall_s) for counter in self._counters}
        return EnergyReading(parts, wall_s, cpu_s, self._device, self._notes)

    def finish(self) -> None:
        """Await the device, and keep the reading of the whole block."""
        timing.synchronize(self._device)
        self._reading = self.read()


@contextmanager
def meter(device: str = "cpu", *, sources: Sources | None = None) -> Iterator[Meter]:
    """Meter the energy of a block; a GPU adds its part to the processor's.

    Parameters
    ----------
    sources
        What to try for the processor, and for a GPU; by default `default_sources`.

    Raises
    ------
    MeasurementError
        If the device is not here, or no source works for a part.

    Examples
    --------
    >>> with meter() as m:
    ...     work = sum(range(100_000))
    >>> 0.0 <= m.reading.result().low <= m.reading.energy_j
    True
    """
    name = timing.check_device(device)
    counters: list[Counter] = []
    notes: list[str] = []
    with ExitStack() as stack:
        for candidates in default_sources(name) if sources is None else sources:
            if not any(counter.covers_gpu for counter in counters):
                counters.append(_open(stack, candidates, notes=notes))
        running = Meter(name, counters, notes=notes)
        yield running
        running.finish()  # not after an error: the device may not answer


def _open(stack: ExitStack, candidates: Sequence[Source], *, notes: list[str]) -> Counter:
    """Return the counter of the first source that works, and note why those before it do not."""
    for source in candidates:
        try:
            return stack.enter_context(source())
        except MeasurementError as err:
            notes.append(str(err))
    raise MeasurementError(f"no source of energy works here: {'; '.join(notes)}")


@dataclass(frozen=True, repr=False)
class EnergyPerCall(Shown):
    """The energy of one call, from repeats: ``samples_j``, each a mean of ``calls_per_sample`` [J].

    Two intervals, kept apart: ``repeatability`` is where the median lies if the same source is read
    again; ``source_error`` how far off, as a fraction, the source itself may be in all repeats
    alike. `result` lays one upon the other: ``low * (1 - error)`` to ``high * (1 + error)``.
    ``reading`` is all repeats together, and the call before them that was timed.
    """

    samples_j: tuple[float, ...]
    calls_per_sample: int
    reading: EnergyReading

    @cached_property
    def repeatability(self) -> stats.Interval:
        """The median with its interval from the spread of the repeats, 5 or more."""
        return stats.median_interval(self.samples_j)

    @property
    def source_error(self) -> float:
        """How far off the source may be, as a fraction."""
        total = self.reading.result()
        if not total.value:
            raise MeasurementError(f"{self.reading.source} counted 0 J: do more work in a call")
        return total.high / total.value - 1

    def result(self) -> Result:
        """Return the median [J], with both intervals laid upon each other.

        Raises
        ------
        MeasurementError
            If there are under 5 repeats, or the source counted nothing: allow more time.
        """
        spread, error = self.repeatability, self.source_error
        low_j, high_j = max(0.0, spread.low * (1 - error)), spread.high * (1 + error)
        return Result(spread.value, low_j, high_j, n=spread.n, kind=self.reading.tier)

    def result_mj(self) -> Result:
        """Return the median [mJ], as `result`."""
        joules = self.result()
        value, low, high = (x * units.MJ_PER_J for x in (joules.value, joules.low, joules.high))
        return Result(value, low, high, n=joules.n, kind=joules.kind)

    def rows(self) -> dict[str, str]:
        """Return what there is to say: names and texts."""
        repeats = f"{len(self.samples_j)} of {self.calls_per_sample} calls each"
        rows = self.reading.rows() | {"repeats": repeats}
        try:
            rows["energy"] = f"{self.result().describe('energy_j')} a call"
            rows["repeatability"] = self.repeatability.result().describe("spread_j")
            rows["source error"] = f"{self.source_error:.0%}"
        except MeasurementError as err:
            rows["energy"] = f"{format_number(median(self.samples_j))} J a call, no interval: {err}"
        return rows


def energy_per_call(
    function: Callable[[], object],
    *,
    device: str = "cpu",
    sources: Sources | None = None,
    max_elapsed_s: float = 30.0,
) -> EnergyPerCall:
    """Return the energy of a call, from at least 6 repeats and 0.5 s of CPU time.

    One call warms up, one is timed: a repeat is then as many calls as last a share of the 0.5 s, or
    5 updates of the counter. Repeats go on until there are enough, or `max_elapsed_s` is over.

    Parameters
    ----------
    function
        Called without arguments; its value is dropped.
    device, sources
        As for `meter`.
    max_elapsed_s
        No repeat begins after that; with fewer than 5 there is no interval.

    Raises
    ------
    MeasurementError
        As for `meter`, and if the function takes arguments.

    Examples
    --------
    >>> per_call = energy_per_call(lambda: sum(range(1000)), max_elapsed_s=10)
    >>> per_call.result().kind == per_call.reading.tier
    True
    """
    samples_j: list[float] = []
    timing.check_call(function)
    begin_s = perf_counter()
    function()
    with meter(device, sources=sources) as m:
        function()
        timing.synchronize(device)
        last = m.read()
        window_s = max(MIN_CPU_S / MIN_REPEATS, m.min_window_s)
        calls = math.ceil(window_s / max(last.duration_s, 1e-7))
        while len(samples_j) < MIN_REPEATS or last.cpu_s < MIN_CPU_S:
            for _ in range(calls):
                function()
            timing.synchronize(device)
            before_j, last = last.energy_j, m.read()
            samples_j.append((last.energy_j - before_j) / calls)
            if perf_counter() - begin_s > max_elapsed_s:
                break
    return EnergyPerCall(tuple(samples_j), calls, m.reading)


def meter_overhead_s(device: str = "cpu") -> float:
    """Return the median time that a meter around an empty block takes [s]."""

    def empty() -> None:
        with meter(device):
            pass

    return timing.latency(empty).median_ms / units.MS_PER_S


def codecarbon_energy(
    function: Callable[[], object], *, country: str
) -> tuple[EnergyReading, float]:
    """Return energy and carbon [gCO2e] of one call as codecarbon reports them.

    It runs offline and silent, and writes no file.

    A cross-check, for calls of 0.3 s or more: its clock ticks every 10 ms. The first takes 1.5 s to
    start. It bills a fixed 10 W for memory, often most of the sum (see the reading's ``parts``).

    Parameters
    ----------
    country
        As for `carbon.grid_intensity`.

    Raises
    ------
    MeasurementError
        If codecarbon reports nothing.
    """
    code, log = carbon.grid_intensity(country).country, logging.getLogger("codecarbon")
    log.disabled = True  # it sets its level anew on import and for each tracker
    try:
        from codecarbon import OfflineEmissionsTracker  # noqa: PLC0415 - 0.2 s

        with OfflineEmissionsTracker(country_iso_code=code, **_CODECARBON_SETTINGS) as tracker:
            begin_s, cpu_0_s = perf_counter(), cpu_time_s()
            function()
            wall_s, cpu_s = perf_counter() - begin_s, cpu_time_s() - cpu_0_s
    finally:
        log.disabled = False
    data = getattr(tracker, "final_emissions_data", None)
    if data is None:
        raise MeasurementError("codecarbon reported nothing; install codecarbon >= 3.3")
    kwh = {"CPU": data.cpu_energy, "memory": data.ram_energy, "GPU": data.gpu_energy}
    parts = {f"codecarbon {name}": _modelled(x * units.J_PER_KWH) for name, x in kwh.items()}
    reading = EnergyReading(parts, wall_s, cpu_s)
    return reading, data.emissions * units.G_PER_KG


def _modelled(energy_j: float) -> Result:
    low_j, high_j = energy_j * (1 - MODEL_ERROR), energy_j * (1 + MODEL_ERROR)
    return Result(energy_j, low_j, high_j, n=1, kind="modelled")
