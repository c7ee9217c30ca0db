"""A service that stalls now and then, and pictures with sliders of what two testers say about it.

The service takes requests one after another. A tester that waits for each answer before it asks
again records the service times and nothing else; users come when they come. Service times are
drawn, so everything here is modelled. How long users wait is for the student's function to say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from course_utils import plots
from course_utils.records import Result
from labs.seminar.ml_systems_metrics import pictures
from labs.seminar.ml_systems_metrics.promises import LEVEL, PercentileInterval
from labs.shared.sliders import show_with_sliders

Integers = npt.NDArray[np.int64]
Scheduled = Callable[[Integers, Integers], Sequence[float]]
Corrected = Callable[[Integers, int], Sequence[float]]
USUAL_US = 1_000


def service_times_us(
    requests: int, *, stall_us: int, stalls: int, rng: np.random.Generator
) -> Integers:
    """Return service times of about a millisecond, with a few stalls among them.

    Parameters
    ----------
    requests
        How many.
    stall_us
        Length of a stall [us].
    stalls
        How many requests meet one, fewer than `requests`.
    rng
        Draws times and places.

    Raises
    ------
    ValueError
        If there are not fewer stalls than requests.
    """
    if not 0 <= stalls < requests:
        raise ValueError(f"{stalls} stalls in {requests} requests; give fewer stalls than requests")
    times_us = rng.integers(USUAL_US * 8 // 10, USUAL_US * 12 // 10, requests)
    times_us[rng.choice(requests, stalls, replace=False)] += stall_us
    found: Integers = times_us
    return found


def told_about(name: str, record_us: Sequence[float]) -> dict[str, float | str]:
    """Return what a record says about a service, in seconds, as a row of a table.

    Parameters
    ----------
    name
        Of the record.
    record_us
        Latencies [us].

    Examples
    --------
    >>> told_about("three", [1e6, 2e6, 6e6])
    {'record': 'three', 'n': 3, 'mean [s]': 3.0, 'p75 [s]': 6.0, 'p99.99 [s]': 6.0}
    """
    ordered = sorted(float(x) / 1e6 for x in record_us)
    p75, p9999 = (ordered[-(-len(ordered) * share // 10_000) - 1] for share in (7_500, 9_999))
    told: dict[str, float | str] = {"record": name, "n": len(ordered)}
    mean = sum(ordered) / len(ordered)
    return told | {"mean [s]": mean, "p75 [s]": p75, "p99.99 [s]": p9999}


def percentile_ms(
    percentile_interval: PercentileInterval, latencies_us: Sequence[float], *, percent: int
) -> Result:
    """Return a percentile [ms] with its interval, as if the latencies were independent.

    An end that the samples do not give is the smallest or the largest of them.

    Parameters
    ----------
    percentile_interval
        As in exercise 8.3.
    latencies_us
        Latencies [us]; those of modelled requests.
    percent
        The percentile, a whole number.
    """
    values = [float(x) / 1000 for x in latencies_us]
    value, low, high = percentile_interval(values, percent, LEVEL)
    low = min(values) if low is None else low
    high = max(values) if high is None else high
    return Result(value, low, high, n=len(values), kind="modelled")


@dataclass(frozen=True, repr=False)
class ScheduleExplorer:
    """Tails of the tester's record, of the users' waiting, and of the record after correction.

    Parameters
    ----------
    scheduled_latency, corrected
        As in exercise 8.4.
    interval_ms, stall_ms, stalls
        What is shown first: time between two requests, length and number of the stalls.
    requests, seed
        Of all pictures.
    """

    scheduled_latency: Scheduled = field(repr=False)
    corrected: Corrected = field(repr=False)
    interval_ms: int = 2
    stall_ms: int = 200
    stalls: int = 5
    requests: int = 5000
    seed: int = 0

    def series(self, interval_ms: int, stall_ms: int, *, stalls: int) -> dict[str, Sequence[float]]:
        """Return the three series of latencies [us]; the arguments are those of the sliders."""
        rng = np.random.default_rng(self.seed)
        service_us = service_times_us(
            self.requests, stall_us=1000 * stall_ms, stalls=stalls, rng=rng
        )
        interval_us = 1000 * interval_ms
        due_us = interval_us * np.arange(self.requests)
        return {
            "what the waiting tester records": service_us.tolist(),
            "what users on a schedule wait": self.scheduled_latency(due_us, service_us),
            "the record, corrected": self.corrected(service_us, interval_us),
        }

    def picture(self, interval_ms: int, stall_ms: int, *, stalls: int) -> plots.Picture:
        """Return the tails as a picture; the arguments are those of the sliders."""
        series = self.series(interval_ms, stall_ms, stalls=stalls)
        figure, axes = plots.new_figure(data="drawn service times", wide=True)
        p99_us = pictures.tails(axes, series, title=" ")
        told = [f"{x / 1000:,.3g} ms" for x in p99_us.values()]
        title = f"The 99th percentile: recorded {told[0]}, waited {told[1]}, corrected {told[2]}"
        axes.set_title(title, loc="left", weight="bold", fontsize=8)
        setting = f"a request every {interval_ms} ms, {stalls} stalls of {stall_ms} ms"
        return plots.show(
            figure, alt=f"Latency against the share of slower requests; {setting}. {title}."
        )

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            interval_ms=("IntSlider", self.interval_ms, (2, 20, 1)),
            stall_ms=("IntSlider", self.stall_ms, (0, 500, 20)),
            stalls=("IntSlider", self.stalls, (1, 25, 1)),
        )
