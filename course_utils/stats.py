"""How sure a number is: intervals, paired comparisons, and which claims n repeats support.

Which one to take:

- ``mean_interval``        the mean of a few runs or seeds (Student's t)
- ``median_interval``      latencies and other skewed times: no assumption on their shape
- ``proportion_interval``  k of n right, the examples being independent (Wilson)
- ``bootstrap_interval``   any other statistic of independent samples
- ``cluster_bootstrap``    a mean over samples that come in groups: words of the same speaker
- ``paired_difference``    two models on the same examples: is one better?
- ``holm``                 several such comparisons at once

Each raises a `MeasurementError` for a claim from one run, or a number that is not finite. ``level``
is the probability, between 0 and 1, that such an interval holds the true value. What is random is
repeated ``resamples`` times with the caller's generator ``rng``. Nothing is measured here.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from scipy import special

from course_utils.errors import MeasurementError
from course_utils.records import Kind, Result

Samples: TypeAlias = Sequence[float] | npt.NDArray[Any]
Labels: TypeAlias = Sequence[Hashable] | npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]
Indices: TypeAlias = npt.NDArray[np.intp]

# With 4 samples even the whole range misses the median in 1 of 8 cases, and a bootstrap of
# 4 units has too few distinct resamples to reach the tails of a 95 % interval.
FEWEST_UNITS = 5
EXACT_UNITS = 14  # 2**14 sign patterns are enumerated; more are sampled


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Parameters
    ----------
    value, low, high
        The estimate and its interval, in the unit of the samples; ``low <= value <= high``.
    n
        Independent observations behind it: samples, or clusters where samples come in groups.
    level
        Probability that intervals made like this one hold the true value.
    method
        How the interval was computed.
    """

    value: float
    low: float
    high: float
    n: int
    level: float
    method: str

    def result(self, kind: Kind = "measured") -> Result:
        """Return the estimate as a `records.Result`."""
        return Result(self.value, self.low, self.high, n=self.n, kind=kind)


@dataclass(frozen=True)
class PairedDifference:
    """The mean of ``a - b`` over pairs, and the probability of one as far from 0 by luck alone."""

    interval: Interval
    p_value: float

    def result(self, kind: Kind = "measured") -> Result:
        """Return the mean difference as a `records.Result`."""
        return self.interval.result(kind)


def mean_interval(samples: Samples, *, level: float = 0.95) -> Interval:
    """Return the mean with Student's t interval, ``mean +- t * s / sqrt(n)``.

    Parameters
    ----------
    samples
        (n,), n >= 2, independent; near normal if n is small.

    Examples
    --------
    >>> accuracy = mean_interval([0.91, 0.93, 0.92, 0.90, 0.94])
    >>> f"{accuracy.value:.3f} [{accuracy.low:.3f}, {accuracy.high:.3f}]"
    '0.920 [0.900, 0.940]'
    >>> mean_interval([0.93])
    Traceback (most recent call last):
    ...
    course_utils.errors.MeasurementError: n = 1 supports no claim; a mean needs n >= 2: repeat it
    """
    x = _checked(samples, level)
    _require(x.size, fewest=2, what="a mean")
    mean = float(x.mean())
    t = special.stdtrit(x.size - 1, 0.5 + level / 2)
    half = float(t * x.std(ddof=1) / math.sqrt(x.size))
    return Interval(mean, mean - half, mean + half, x.size, level, "t")


def median_interval(samples: Samples, *, level: float = 0.95) -> Interval:
    """Return the median with the interval between two of the sorted samples.

    A sample lies below the true median with probability 1/2, whatever the distribution. So the
    interval from the (i+1)-th smallest to the (i+1)-th largest misses it with probability
    ``2 P(B <= i)``, B binomial(n, 1/2): exact, and unmoved by outliers.

    Parameters
    ----------
    samples
        (n,), n >= 5, independent.
    level
        The level asked for. The interval's own ``level`` is the one achieved: the next possible
        above it or, with too few samples, that of the whole range (0.9375 for n = 5; 0.95 needs
        n >= 6).

    Examples
    --------
    >>> latency = median_interval([5.1, 5.0, 5.2, 9.9, 5.1, 5.3])
    >>> latency.value, latency.low, latency.high, latency.level
    (5.15, 5.0, 9.9, 0.96875)
    """
    x = np.sort(_checked(samples, level))
    _require(x.size, fewest=FEWEST_UNITS, what="the interval of a median")
    misses = 2 * special.bdtr(np.arange((x.size + 1) // 2), x.size, 0.5)
    i = max(0, int(np.sum(misses <= 1 - level)) - 1)
    value, low, high = float(np.median(x)), float(x[i]), float(x[-1 - i])
    return Interval(value, low, high, x.size, float(1 - misses[i]), "order statistics")


def proportion_interval(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the proportion ``successes / n`` with Wilson's score interval.

    It holds every p that a test would not reject, ``|successes - n p| <= z sqrt(n p (1 - p))``,
    so it stays within [0, 1] and is right near the ends, where ``p +- z s`` is not.

    Parameters
    ----------
    successes
        0 to n.
    n
        Independent trials, >= 2; for trials in groups see `cluster_bootstrap`.

    Examples
    --------
    >>> top1 = proportion_interval(95, 100)
    >>> f"{top1.value} [{top1.low:.3f}, {top1.high:.3f}]"
    '0.95 [0.888, 0.978]'
    """
    _check_level(level)
    if not 0 <= float(successes) <= float(n) < math.inf or float(n) % 1 or float(successes) % 1:
        raise MeasurementError(f"{successes} successes of {n}: give whole numbers from 0 to n")
    successes, n = int(successes), int(n)  # plain numbers, also where torch counted
    _require(n, fewest=2, what="a proportion")
    p = successes / n
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))
    return Interval(p, low, high, n, level, "Wilson")


def bootstrap_interval(
    samples: Samples,
    statistic: Callable[[Floats], float],
    *,
    rng: Generator,
    level: float = 0.95,
    resamples: int = 5000,
) -> Interval:
    """Return any statistic of independent samples with its bootstrap interval.

    Parameters
    ----------
    samples
        (n,), n >= 5, independent.
    statistic
        Takes (n,) float64 and returns a number; it must not depend on the order.
    rng, resamples
        The n samples are drawn from with replacement, n at a time, so many times: 1,000 or more, or
        the interval is too narrow. The same seed gives the same interval.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tail = bootstrap_interval(rng.exponential(size=40), np.median, rng=rng)
    >>> tail.low < tail.value < tail.high, tail.n
    (True, 40)
    """
    x = _checked(samples, level)
    return _bootstrap(x.size, lambda draw: statistic(x[draw]), rng, level, resamples)


def cluster_bootstrap(
    samples: Samples,
    clusters: Labels,
    *,
    rng: Generator,
    level: float = 0.95,
    resamples: int = 5000,
) -> Interval:
    """Return the mean of samples that come in clusters, with an interval for new clusters.

    Recordings of one speaker resemble each other: a thousand words of six speakers say little
    about a seventh. So whole speakers are resampled, and n is their number. Where all samples are
    equal, so are all resamples: the interval then has no width, which proves nothing.

    Parameters
    ----------
    samples
        (n,), for instance 1 where the model is right and 0 where it is wrong.
    clusters
        (n,), the cluster of each sample; at least 5 different ones.

    Examples
    --------
    >>> is_right, speaker = [1, 1, 1, 0, 0, 0, 1, 1, 1, 1], list("aabbccddee")
    >>> top1 = cluster_bootstrap(is_right, speaker, rng=np.random.default_rng(0))
    >>> top1.value, top1.n
    (0.7, 5)
    """
    sums, counts = _cluster_sums(_checked(samples, level), clusters)

    def mean_of(draw: Indices) -> float:
        return float(sums[draw].sum() / counts[draw].sum())

    return _bootstrap(sums.size, mean_of, rng, level, resamples)


def paired_difference(
    a: Samples,
    b: Samples,
    *,
    rng: Generator,
    clusters: Labels | None = None,
    level: float = 0.95,
    resamples: int = 5000,
) -> PairedDifference:
    """Return the mean of ``a - b`` for two samples of the same examples, and whether it is luck.

    The interval is a bootstrap of the differences, by cluster if there are clusters. The p-value is
    that of the sign-flip test: were the two alike, each pair (or cluster of pairs) could as well
    have come the other way round. Up to 14 that differ are enumerated, exactly; of more, sign
    patterns are sampled, so that no p-value is below ``1 / (resamples + 1)``.

    Parameters
    ----------
    a, b
        (n,), paired by position: for instance correctness (0 or 1) of two models per example.
    clusters
        (n,), the cluster of each pair; None if pairs are independent.

    Examples
    --------
    >>> float32, int8 = [1, 1, 1, 1, 1, 1, 0, 1, 1, 1], [1, 1, 0, 1, 1, 1, 0, 1, 0, 1]
    >>> loss = paired_difference(float32, int8, rng=np.random.default_rng(0))
    >>> loss.interval.value, loss.p_value
    (0.2, 0.5)
    """
    x, y = _checked(a, level), _checked(b, level)
    if x.size != y.size:
        raise MeasurementError(f"{x.size} and {y.size} samples are not pairs; give equal lengths")
    groups = np.arange(x.size) if clusters is None else clusters
    interval = cluster_bootstrap(x - y, groups, rng=rng, level=level, resamples=resamples)
    sums, _ = _cluster_sums(x - y, groups)
    return PairedDifference(interval, _sign_flip_p_value(sums, rng, resamples))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number by Holm's method, in the order given.

    The smallest of m is multiplied by m, the next by m - 1, and so on, none below the one before.
    Calling those <= 0.05 differences is then wrong at all in at most 5 % of such families.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.02])
    [0.03, 0.04, 0.04]
    """
    if len(p_values) == 0:
        raise MeasurementError("no p-values to adjust; give at least one")
    for i, p in enumerate(p_values):
        if not 0 <= p <= 1:
            raise MeasurementError(f"p_values[{i}] is {p}; a p-value lies within 0 to 1")
    order = np.argsort(p_values)
    scaled = np.asarray(p_values, dtype=float)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(scaled))
    return [float(p) for p in adjusted]


def min_samples_for_percentile(percent: float) -> int:
    """Return the fewest samples that support a claim about a percentile.

    All n samples lie below the true percentile p with probability ``p**n``. The smallest n that
    makes this at most 5 % is the first for which the largest sample bounds it.

    Parameters
    ----------
    percent
        Above 0, below 100; under 50 the smallest sample takes the place of the largest.

    Examples
    --------
    >>> min_samples_for_percentile(50), min_samples_for_percentile(90)
    (5, 29)
    >>> min_samples_for_percentile(95), min_samples_for_percentile(99)
    (59, 299)
    """
    if not 0 < percent < 100:
        raise MeasurementError(f"percentile {percent} does not lie between 0 and 100")
    return math.ceil(math.log(0.05) / math.log(max(percent, 100 - percent) / 100))


def supported_percentiles(
    n: int, percents: Sequence[float] = (50, 90, 95, 99, 99.9)
) -> tuple[float, ...]:
    """Return those of some percentiles that n samples support.

    Examples
    --------
    >>> supported_percentiles(28), supported_percentiles(29), supported_percentiles(299)
    ((50,), (50, 90), (50, 90, 95, 99))
    """
    return tuple(p for p in percents if n >= min_samples_for_percentile(p))


def _checked(samples: Samples, level: float) -> Floats:
    _check_level(level)
    try:
        x = np.asarray(samples, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError) as err:
        raise MeasurementError(f"samples: {err}; give a list of plain numbers") from err
    if x.ndim != 1:
        raise MeasurementError(f"samples have shape {x.shape}; give one number a sample")
    for i in np.flatnonzero(~np.isfinite(x)):
        raise MeasurementError(f"samples[{i}] is {x[i]}; find out why that run failed")
    return x


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise MeasurementError(f"level {level} does not lie between 0 and 1; use 0.95 for 95 %")


def _require(n: int, *, fewest: int, what: str) -> None:
    if n < fewest:
        raise MeasurementError(f"n = {n} supports no claim; {what} needs n >= {fewest}: repeat it")


def _cluster_sums(x: Floats, clusters: Labels) -> tuple[Floats, Floats]:
    """Return the sum and the number of the samples of each cluster."""
    labels = np.asarray(clusters).tolist()  # plain values: tensors would hash by identity
    if len(labels) != x.size:
        raise MeasurementError(f"{x.size} samples have {len(labels)} clusters; name one a sample")
    position = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    index = np.array([position[label] for label in labels], dtype=np.intp)
    sums, counts = np.bincount(index, weights=x), np.bincount(index)
    return sums.astype(np.float64), counts.astype(np.float64)


def _bootstrap(
    n: int, statistic: Callable[[Indices], float], rng: Generator, level: float, resamples: int
) -> Interval:
    """Return the statistic of n samples or clusters, with percentiles widened for small n.

    Plain percentiles are too narrow by ``sqrt((n - 1) / n)`` and by the normal in place of t; these
    lie further out: Hesterberg's expanded percentile interval, The American Statistician 69 (2015).
    Over a handful of clusters it still holds the truth less often than its level says.
    """
    _require(n, fewest=FEWEST_UNITS, what="a bootstrap over samples or clusters")
    if not isinstance(rng, Generator):
        raise MeasurementError(f"rng is {rng!r}; give rng=np.random.default_rng(SEED)")
    value = float(statistic(np.arange(n)))
    drawn = np.array([statistic(rng.integers(n, size=n)) for _ in range(resamples)])
    if not np.isfinite([value, *drawn]).all():
        raise MeasurementError("the statistic of a resample is not finite; take another statistic")
    t = special.stdtrit(n - 1, 0.5 + level / 2)
    tail = NormalDist().cdf(-math.sqrt(n / (n - 1)) * float(t))
    low, high = (float(x) for x in np.quantile(drawn, [tail, 1 - tail]))
    return Interval(value, min(value, low), max(value, high), n, level, "bootstrap")


def _sign_flip_p_value(sums: Floats, rng: Generator, resamples: int) -> float:
    """Return how often random signs take the total as far from 0 as it is."""
    sums = sums[sums != 0]  # flipping a zero changes nothing
    observed = abs(sums.sum()) - 1e-12 * np.abs(sums).sum()  # ties, despite rounding
    if sums.size <= EXACT_UNITS:
        patterns = np.arange(2**sums.size)[:, None] >> np.arange(sums.size) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ sums) >= observed))
    totals = [abs(rng.choice((-1, 1), size=sums.size) @ sums) for _ in range(resamples)]
    return float((1 + np.sum(np.array(totals) >= observed)) / (1 + resamples))
