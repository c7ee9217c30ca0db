"""Stand-ins for exercise 8.3: order statistics by the beta distribution."""

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["fewest_samples", "percentile_interval"]

Ends = tuple[float, float | None, float | None]


def percentile_interval(samples: npt.ArrayLike, percent: int, level: float) -> Ends:
    """Return a percentile and the samples that bound it; None for an end that no sample gives.

    Parameters
    ----------
    samples
        (n,), independent.
    percent
        Above 0, below 100.
    level
        Probability that the interval holds the true percentile.
    """
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    n, ranks = len(ordered), np.arange(1, len(ordered) + 1)
    # At least k of n lie below the quantile with the probability that k beta variables leave it.
    at_least = special.betainc(ranks, n - ranks + 1, percent / 100)
    risk = (1 - level) / 2
    low = ordered[1 - at_least <= risk]
    high = ordered[at_least <= risk]
    value = np.quantile(ordered, percent / 100, method="inverted_cdf")
    return (
        float(value),
        float(low[-1]) if low.size else None,
        float(high[0]) if high.size else None,
    )


def fewest_samples(percent: int, level: float) -> int:
    """Return the fewest samples that bound a percentile on both sides.

    Parameters
    ----------
    percent, level
        As in `percentile_interval`.
    """
    n = 1
    while None in percentile_interval(np.arange(n), percent, level):
        n += 1
    return n
