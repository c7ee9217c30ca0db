"""How long a call takes, and how many items a second it works off.

- ``latency``      the time of one call as its caller sees it: the device is awaited after each call
- ``throughput``   items per second of calls in a row: the device is awaited at both ends of a run

Both warm up first, then take at least 5 samples over at least 0.5 s and end within 30 s. Time
comes from ``time.perf_counter`` alone. A call under 0.1 ms is too short for the clock: a sample is
then the mean of many calls, and of single calls no percentiles are offered. A device is asked for,
never assumed: one that is not here is an error.

This module changes nothing on the machine, neither priorities nor clock rates. It says when the
numbers are ``noisy``, because other work or a changing clock rate got in between. Samples of one
process are no repeats of an experiment: start it again for those.
"""

import inspect
import math
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from course_utils import stats
from course_utils.errors import MeasurementError
from course_utils.records import Result, html_table
from course_utils.units import MS_PER_S, format_number

if TYPE_CHECKING:
    import torch

Call: TypeAlias = Callable[[], Any]
MIN_RUNS = 5
MIN_SAMPLE_S = 1e-4  # 1,000 ticks of the coarsest perf_counter among our systems (Windows, 100 ns)
THROUGHPUT_RUNS = 20  # runs that share min_elapsed_s, each long enough to keep a device busy
PERCENTS = (90, 95, 99)
MAX_SPREAD = 0.2  # IQR / median above this is noisy
MAX_DRIFT = 0.15  # so is a calibration loop that changed by more than this


def check_device(device: "str | torch.device") -> str:
    """Return the name of a device that can be used here: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises
    ------
    MeasurementError
        If there is no such device here; the message names those that are.

    Examples
    --------
    >>> check_device("cpu")
    'cpu'
    """
    name = str(device)
    if name == "cpu":
        return name
    import torch  # noqa: PLC0415 - timing on the CPU works without loading it

    here = ["cpu"]
    if torch.cuda.is_available():
        here += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        here += ["mps", "mps:0"]
    if name not in here:
        usable = f"one that torch {torch.__version__} can use here ({', '.join(here)})"
        remedy = "use device='cpu', or install a torch that supports it"
        raise MeasurementError(f"device {name!r} is not {usable}; {remedy}")
    return name


def check_call(function: Call) -> None:
    """Raise a `MeasurementError` for what cannot be called, or not without arguments."""
    try:
        inspect.signature(function).bind()
    except TypeError as err:
        name = getattr(function, "__qualname__", f"a {type(function).__name__}")
        why = err if callable(function) else "cannot be called"
        raise MeasurementError(f"{name}: {why}; give the work as lambda: model(x)") from err
    except ValueError:
        pass  # some compiled functions do not tell their arguments


def synchronize(device: "str | torch.device" = "cpu") -> None:
    """Wait until the device, one that `check_device` passes, has finished all work given to it."""
    _waiter(check_device(device))()


@dataclass(frozen=True, kw_only=True, repr=False)
class _Timing:
    """What `Latency` and `Throughput` share: everything that does not depend on the unit."""

    device: str
    calls_per_sample: int
    warmup_calls: int
    calibration_ms: tuple[float, float]
    _samples: ClassVar[property]  # the field of the subclass, whose name carries the unit
    _unit: ClassVar[str]

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self._samples)

    @property
    def _iqr(self) -> float:
        return float(np.subtract(*np.quantile(self._samples, (0.75, 0.25))))

    @property
    def noisy(self) -> bool:
        """Whether something else got in between; `noisy_reason` says what was seen."""
        return bool(self.noisy_reason)

    @property
    def noisy_reason(self) -> str:
        """Empty, or why: IQR / median > 0.2, or a calibration loop that changed by over 15 %."""
        reasons = []
        if self._iqr > MAX_SPREAD * median(self._samples):
            reasons.append(f"IQR above {MAX_SPREAD} of the median")
        before, after = self.calibration_ms
        if max(before, after) > min(before, after) * (1 + MAX_DRIFT):
            reasons.append(f"calibration loop {before:.2f} ms before, {after:.2f} ms after")
        return "; ".join(reasons)

    def result(self) -> Result:
        """Return the median with its interval; fewer than 5 samples are a MeasurementError."""
        return stats.median_interval(self._samples).result()

    def _figures(self) -> dict[str, float]:
        return {"median": median(self._samples), "IQR": self._iqr}

    def _row(self) -> dict[str, str]:
        """Return what a reader needs to know, heading to text."""
        row = {name: f"{format_number(x)} {self._unit}" for name, x in self._figures().items()}
        calls = f" of {self.calls_per_sample} calls each" if self.calls_per_sample > 1 else ""
        cold = "" if self.warmup_calls else " (a first call, not warmed up)"
        row |= {"n": f"{self.n}{calls}{cold}", "device": self.device}
        return row | {"noisy:": self.noisy_reason} if self.noisy else row

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(' '.join, self._row().items()))})"

    def _repr_html_(self) -> str:
        return html_table([self._row()], caption=type(self).__name__)


@dataclass(frozen=True, kw_only=True, repr=False)
class Latency(_Timing):
    """The time of one call; ``result()`` is its median in ms.

    Parameters
    ----------
    samples_ms
        (n,), in the order taken; each the mean of ``calls_per_sample`` calls.
    device
        The device awaited after each call.
    calls_per_sample
        1, or more where one call is too short for the clock.
    warmup_calls
        Calls before the first sample. 0: a single call filled the time allowed, so the only sample
        is a first call and holds whatever a first call costs.
    calibration_ms
        The time of a fixed loop (`calibration_loop_ms`) before and after.
    """

    samples_ms: tuple[float, ...]
    _samples = property(lambda self: self.samples_ms)
    _unit = "ms"

    @property
    def median_ms(self) -> float:
        """Half of the samples are faster."""
        return median(self.samples_ms)

    @property
    def iqr_ms(self) -> float:
        """Distance between the quartiles, the width of the middle half; 0 for one sample."""
        return self._iqr

    @property
    def percentiles(self) -> dict[int, float]:
        """The 90th, 95th and 99th percentile in ms, as far as n supports them.

        Nearest rank: the smallest sample that so many percent of the samples do not exceed. Empty
        if a sample is the mean of several calls.
        """
        if self.calls_per_sample > 1:
            return {}
        ordered = sorted(self.samples_ms)
        supported = stats.supported_percentiles(self.n, PERCENTS)
        return {int(p): ordered[math.ceil(self.n * p / 100) - 1] for p in supported}

    def _figures(self) -> dict[str, float]:
        return super()._figures() | {f"p{p}": time_ms for p, time_ms in self.percentiles.items()}


@dataclass(frozen=True, kw_only=True, repr=False)
class Throughput(_Timing):
    """Items per second of calls in a row; ``result()`` is the median of the runs.

    Parameters
    ----------
    samples_items_per_s
        (n,), one a run of ``calls_per_sample`` calls, in the order taken.
    items_per_call
        Items that one call works off, usually the batch size.
    device, calls_per_sample, warmup_calls, calibration_ms
        As in `Latency`; the device is awaited before and after each run.
    """

    samples_items_per_s: tuple[float, ...]
    items_per_call: float
    _samples = property(lambda self: self.samples_items_per_s)
    _unit = "items/s"

    @property
    def median_items_per_s(self) -> float:
        """Half of the runs are slower."""
        return median(self.samples_items_per_s)


def latency(
    function: Call,
    *,
    device: "str | torch.device" = "cpu",
    warmup: int = 3,
    min_runs: int = MIN_RUNS,
    min_elapsed_s: float = 0.5,
    max_elapsed_s: float = 30.0,
) -> Latency:
    """Return the time of one call, warmed up, the device awaited after each call.

    A call in progress is never interrupted. None starts that, at the pace seen so far, would
    end after ``max_elapsed_s``, so a slow function gets fewer than ``min_runs`` samples and n says
    so; if there is no time for any, the last warm-up call is the only sample.

    Parameters
    ----------
    function
        Called without arguments. The cost of a Python call, some 50 ns, is part of the result.
    device
        Where the function works: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or a ``torch.device``.
    warmup
        Calls before the first sample, >= 1; fewer if they would leave no time for ``min_runs``.
    min_runs, min_elapsed_s
        Samples go on until there are so many and they took so long.
    max_elapsed_s
        The end, warm-up included.

    Raises
    ------
    MeasurementError
        If the function takes arguments, the device is not here or a limit makes no sense.

    Examples
    --------
    >>> sorting = latency(lambda: sorted(range(10_000)), min_elapsed_s=0.01)
    >>> sorting.n >= 5, sorting.result().low <= sorting.median_ms
    (True, True)
    """
    check_call(function)
    name = check_device(device)
    limits = _Limits(warmup, min_runs, min_elapsed_s, max_elapsed_s)
    wait = _waiter(name)
    awaited = function if name == "cpu" else lambda: (function(), wait())
    call_s, how = _collect(awaited, wait, limits)
    return Latency(samples_ms=tuple(MS_PER_S * x for x in call_s), device=name, **how)


def throughput(
    function: Call,
    items_per_call: float,
    *,
    device: "str | torch.device" = "cpu",
    warmup: int = 3,
    min_elapsed_s: float = 0.5,
    max_elapsed_s: float = 30.0,
) -> Throughput:
    """Return items per second of calls in a row, the device awaited only at both ends of a run.

    About 20 runs share ``min_elapsed_s``, at least 5 are taken.

    Parameters
    ----------
    items_per_call
        Items that one call works off, usually the batch size.
    function, device, warmup, min_elapsed_s, max_elapsed_s
        As in `latency`.

    Examples
    --------
    >>> sums = throughput(lambda: sum(range(1000)), items_per_call=1000, min_elapsed_s=0.02)
    >>> sums.n >= 5, sums.result().value > 0
    (True, True)
    """
    if not 0 < items_per_call < math.inf:
        raise MeasurementError(f"items_per_call is {items_per_call}; give the batch size, > 0")
    check_call(function)
    name = check_device(device)
    run_s = max(MIN_SAMPLE_S, min_elapsed_s / THROUGHPUT_RUNS)
    limits = _Limits(warmup, MIN_RUNS, min_elapsed_s, max_elapsed_s, min_sample_s=run_s)
    call_s, how = _collect(function, _waiter(name), limits)
    rates = tuple(items_per_call / x for x in call_s)
    return Throughput(samples_items_per_s=rates, items_per_call=items_per_call, device=name, **how)


def calibration_loop_ms() -> float:
    """Return the time of a fixed loop of Python arithmetic: the median of 7, some 5 ms in all."""
    loops_s = timeit.repeat("for i in range(30_000): i * i", number=1, repeat=7)
    return MS_PER_S * median(loops_s)


@dataclass(frozen=True)
class _Limits:
    """When to stop; a sample is as many calls as last ``min_sample_s``."""

    warmup: int
    min_runs: int
    min_elapsed_s: float
    max_elapsed_s: float
    min_sample_s: float = MIN_SAMPLE_S

    def __post_init__(self) -> None:
        for name, value in (("warmup", self.warmup), ("min_runs", self.min_runs)):
            if value < 1 or value != int(value):
                raise MeasurementError(f"{name} is {value}; give a whole number >= 1")
        if not 0 <= self.min_elapsed_s <= self.max_elapsed_s < math.inf:
            given = f"min_elapsed_s {self.min_elapsed_s}, max_elapsed_s {self.max_elapsed_s}"
            raise MeasurementError(f"{given}: give 0 <= min_elapsed_s <= max_elapsed_s < inf")


def _collect(function: Call, wait: Call, limits: _Limits) -> tuple[list[float], dict[str, Any]]:
    """Return the seconds per call, one a sample, and how they were taken: fields of `_Timing`."""

    def elapsed_s(calls: int) -> float:
        wait()
        start_s = perf_counter()
        for _ in range(calls):
            function()
        wait()
        return perf_counter() - start_s

    before_ms = calibration_loop_ms()
    start_s = perf_counter()

    def has_time_for(more_s: float) -> bool:
        return perf_counter() - start_s + more_s <= limits.max_elapsed_s

    warmup_s = [elapsed_s(1)]
    while len(warmup_s) < limits.warmup and has_time_for((1 + limits.min_runs) * warmup_s[-1]):
        warmup_s.append(elapsed_s(1))

    calls, last_s = 1, min(warmup_s)
    # Doubling costs two trials of 2 * last_s, and then each sample lasts 2 * last_s.
    while last_s < limits.min_sample_s and has_time_for((4 + 2 * limits.min_runs) * last_s):
        calls *= 2
        last_s = min(elapsed_s(calls), elapsed_s(calls))  # the faster: not taken in by a hiccup

    samples_s: list[float] = []
    first_s = perf_counter()
    while len(samples_s) < limits.min_runs or perf_counter() - first_s < limits.min_elapsed_s:
        if not has_time_for(last_s):
            break
        samples_s.append(last_s := elapsed_s(calls))
    if not samples_s:
        calls, samples_s = 1, [warmup_s.pop()]
    calibration = {"calibration_ms": (before_ms, calibration_loop_ms())}
    how = {"calls_per_sample": calls, "warmup_calls": len(warmup_s)}
    return [x / calls for x in samples_s], how | calibration


def _waiter(device: str) -> Call:
    """Return what waits for a device that `check_device` has passed."""
    if device == "cpu":
        return lambda: None
    import torch  # noqa: PLC0415 - as in check_device

    if device.startswith("cuda"):
        return lambda: torch.cuda.synchronize(device)
    return torch.mps.synchronize
