"""Whether intervals of a percentile keep what they promise, and a table of such intervals.

Records are drawn from a log-normal distribution, whose percentiles are known. The intervals are
those of the student's or the given function; beside them stands a plain bootstrap. Nothing is
measured.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

from course_utils import stats
from course_utils.records import Result

Ends = tuple[float, float | None, float | None]
PercentileInterval = Callable[[Sequence[float], int, float], Ends]
RESAMPLES = 200
LEVEL = 0.95


def kept_promises(
    percentile_interval: PercentileInterval,
    percent: int,
    *,
    sizes: Sequence[int],
    trials: int,
    rng: np.random.Generator,
) -> dict[str, list[tuple[float, Result]]]:
    """Return for each method and size the share of records whose 95 % interval holds the truth.

    Where the function gives an end as None it refuses, and the size has no point.

    Parameters
    ----------
    percentile_interval
        As in exercise 8.3.
    percent
        The percentile, a whole number.
    sizes
        Samples of a record.
    trials
        Records of each size, >= 2.
    rng
        Draws records and resamples.

    Examples
    --------
    >>> kept = kept_promises(lambda x, p, level: (0, -9.0, 9e9), 90, sizes=[20], trials=9,
    ...                      rng=np.random.default_rng(0))
    >>> kept["order statistics"][0][1].value
    1.0
    """
    true = math.exp(NormalDist().inv_cdf(percent / 100))
    series: dict[str, list[tuple[float, Result]]] = {"order statistics": [], "bootstrap": []}
    for n in sizes:
        held = dict.fromkeys(series, 0)
        refused = 0
        for _ in range(trials):
            record = rng.lognormal(size=n)
            _, low, high = percentile_interval(record.tolist(), percent, LEVEL)
            if low is None or high is None:
                refused += 1
            else:
                held["order statistics"] += low <= true <= high
            again = np.sort(record[rng.integers(n, size=(RESAMPLES, n))], axis=1)
            ends = np.quantile(again[:, -(-percent * n // 100) - 1], (0.025, 0.975))
            held["bootstrap"] += bool(ends[0] <= true <= ends[1])
        for name, count in held.items():
            if name == "bootstrap" or not refused:
                kept = stats.proportion_interval(int(count), trials, level=LEVEL).result("modelled")
                series[name].append((n, kept))
    return series


def percentile_rows(
    percentile_interval: PercentileInterval, samples_us: Sequence[float], *, sizes: Sequence[int]
) -> list[dict[str, str | int]]:
    """Return the median, p90 and p99 of the first so many samples with their ends, as rows.

    Parameters
    ----------
    percentile_interval
        As in exercise 8.3.
    samples_us
        Latencies [us], in the order taken.
    sizes
        How many of them, each >= 1.

    Raises
    ------
    ValueError
        If there are fewer samples than that.
    """
    if max(sizes) > len(samples_us):
        raise ValueError(f"there are {len(samples_us)} samples; give at least {max(sizes)}")
    rows: list[dict[str, str | int]] = []
    for percent in (50, 90, 99):
        for n in sizes:
            value, *ends = percentile_interval(samples_us[:n], percent, LEVEL)
            low, high = (f"{end:.1f}" if end is not None else "none" for end in ends)
            row: dict[str, str | int] = {"percentile": f"p{percent}", "n": n}
            rows.append({**row, "value [us]": f"{value:.1f}", "low": low, "high": high})
    return rows
