"""What a run of one scenario left: latencies, batches, and what may be said from so many queries.

Percentiles are order statistics with intervals of 90 %, 5 % on each side: a percentile that n
samples support, after `course_utils.stats`, is just one that such an interval bounds on both sides.
The interval takes queries as independent. Under load they are not: neighbours wait in the same
queue, so there it is too narrow. Nothing is run here.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special

from course_utils import stats
from course_utils.errors import MeasurementError
from course_utils.records import Result
from course_utils.units import MS_PER_S, format_number
from labs.seminar.inference_performance.published import SCENARIOS, Scenario

Floats = npt.NDArray[np.float64]
LEVEL = 0.90
BLOCKS = 10  # stretches of equal length over which throughput scatters


def percentile(samples: npt.ArrayLike, percent: float) -> Result:
    """Return a percentile with its interval of 90 %, both from the sorted samples.

    The value is the smallest sample that so many percent of all do not exceed. Below the true
    percentile lie B samples, B binomial: the ends are those that miss it in 5 % each at most.

    Parameters
    ----------
    samples
        (n,), independent.
    percent
        Above 0, below 100.

    Raises
    ------
    MeasurementError
        If n samples support no claim about it; `stats.min_samples_for_percentile` says how many do.

    Examples
    --------
    >>> percentile(range(1, 101), 90)
    Result(value=90.0, low=85.0, high=96.0, n=100, kind='measured')
    """
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    n = len(ordered)
    if n < (fewest := stats.min_samples_for_percentile(percent)):
        raise MeasurementError(f"{n} samples say nothing about p{percent:g}; at least {fewest} do")
    share, risk = percent / 100, (1 - LEVEL) / 2
    # special.bdtr(k, n, p) is P(B <= k).
    at_most = special.bdtr(np.arange(n), n, share)
    low = max(0, int(np.sum(at_most <= risk)) - 1)
    high = min(n - 1, int(np.sum(at_most < 1 - risk)))
    value = ordered[int(np.ceil(n * share - 1e-9)) - 1]
    return Result(float(value), float(ordered[low]), float(ordered[high]), n=n, kind="measured")


@dataclass(frozen=True)
class Run:
    """One run of one scenario.

    Parameters
    ----------
    scenario
        A name in `published.SCENARIOS`.
    due_s
        (queries,), when each was to begin, since the start of the run [s]: in the server scenario
        when it arrived by schedule, else when it was sent.
    answered_s
        (queries,), when each was answered [s].
    late_s
        One a call, how long the tester took after it could have begun [s]: its own overhead.
    batches
        Samples of each call.
    samples_per_query
        1; 8 for several streams; all of them offline.
    most, bound_s
        Of the server scenario: samples of a batch at most, and the bound on latency [s]; else None.
    """

    scenario: str
    due_s: Floats = field(repr=False)
    answered_s: Floats = field(repr=False)
    late_s: Floats = field(repr=False)
    batches: tuple[int, ...] = field(repr=False)
    samples_per_query: int = 1
    most: int | None = None
    bound_s: float | None = None

    @property
    def rules(self) -> Scenario:
        """The rules of its scenario."""
        return SCENARIOS[self.scenario]

    @property
    def n(self) -> int:
        """Number of queries."""
        return len(self.due_s)

    @property
    def samples(self) -> int:
        """Number of samples answered."""
        return self.n * self.samples_per_query

    @property
    def latencies_s(self) -> Floats:
        """(queries,), from the moment each was due until it was answered [s]."""
        latencies: Floats = self.answered_s - self.due_s
        return latencies

    @property
    def calls_s(self) -> Floats:
        """One a call, how long it took [s]; none of it is waiting in the queue."""
        if self.most is None:
            return self.latencies_s
        firsts = np.concatenate([[0], np.cumsum(self.batches)[:-1]])
        answered = self.answered_s[firsts]
        could_begin = np.maximum(np.concatenate([[0.0], answered[:-1]]), self.due_s[firsts])
        took: Floats = answered - could_begin - self.late_s
        return took

    @property
    def duration_s(self) -> float:
        """From the first query due to the last answer [s]."""
        return float(self.answered_s.max() - self.due_s[0])

    def percentiles_ms(self) -> dict[int, Result]:
        """Return p50, p90 and p99 of the latency [ms], those that n queries support."""
        supported = stats.supported_percentiles(self.n, (50, 90, 99))
        return {int(p): percentile(MS_PER_S * self.latencies_s, p) for p in supported}

    @property
    def throughput(self) -> Result:
        """Samples a second: the median over queries offline, else over ten stretches of the run.

        A stretch ends with an answer. With fewer than ten answers each is a stretch of its own.
        """
        moments, queries = np.unique(self.answered_s, return_counts=True)
        is_offline = self.rules.samples_per_query == 0
        stretches = len(moments) if is_offline else min(BLOCKS, len(moments))
        ends = np.linspace(0, len(moments), stretches + 1).astype(int)
        took_s = np.diff(np.concatenate([self.due_s[:1], moments])[ends])
        answered = np.diff(np.concatenate([[0], np.cumsum(queries)])[ends])
        if stretches < stats.FEWEST_UNITS:
            rate = self.samples / self.duration_s
            return Result(rate, rate, rate, n=1, kind="measured")
        return stats.median_interval(self.samples_per_query * answered / took_s).result()

    @property
    def late(self) -> Result:
        """How long the tester itself took before a call [us], median."""
        return stats.median_interval(1e6 * self.late_s).result()

    @property
    def metric(self) -> tuple[str, Result] | None:
        """Name, with its unit, and result of what the scenario reports; None if n is too small.

        Of the server scenario it is the percentile that is held against the bound; which rate is
        the highest takes many runs (`rates`).
        """
        if self.rules.percent is None:
            return "throughput_items_per_s", self.throughput
        found = self.percentiles_ms().get(self.rules.percent)
        return (f"p{self.rules.percent}_ms", found) if found else None

    @property
    def meets_bound(self) -> bool | None:
        """Whether the percentile surely keeps the bound; None if it may or there is no bound."""
        if self.bound_s is None or self.metric is None:
            return None
        tail, bound_ms = self.metric[1], MS_PER_S * self.bound_s
        if tail.high <= bound_ms:
            return True
        return False if tail.low > bound_ms else None

    @property
    def reason(self) -> str:
        """Why this is no valid run by the rules, in words; empty if it is."""
        rules = self.rules
        missing = []
        if self.duration_s < rules.least_s:
            missing.append(f"{self.duration_s:.2g} s of {rules.least_s:g} s")
        if rules.samples_per_query == 0:
            if self.samples_per_query < rules.least_samples:
                missing.append(f"{self.samples_per_query:,} of {rules.least_samples:,} samples")
        elif self.n < rules.least_queries:
            missing.append(f"{self.n:,} of {rules.least_queries:,} queries")
        if self.meets_bound is False:
            missing.append("the bound on latency is missed")
        return "; ".join(missing)

    @property
    def is_valid(self) -> bool:
        """Whether the rules would accept the run."""
        return not self.reason

    def row(self) -> dict[str, str]:
        """Return the run as a row of a table."""
        found = self.percentiles_ms()
        told = {f"p{p}": found[p].describe("p_ms") if p in found else "-" for p in (50, 90, 99)}
        return {
            "scenario": self.scenario,
            "queries": f"{self.n:,}",
            **told,
            "throughput": self.throughput.describe("throughput_items_per_s"),
            "mean batch": format_number(float(np.mean(self.batches))),
            "tester late": self.late.describe("late_us"),
            "short of a valid run": self.reason or "nothing",
        }
