"""Smoothing, error rates and the bound on false alarms, by way of SciPy and sorted scores."""

import numpy as np
import numpy.typing as npt
from scipy import signal, special

Floats = npt.NDArray[np.floating]


def smooth(scores: Floats, window: int) -> Floats:
    """Return the causal moving average of scores, by a filter with `window` equal taps.

    Parameters
    ----------
    scores
        (n, classes).
    window
        Rows that are averaged, >= 1.
    """
    sums = signal.lfilter(np.ones(window), [1.0], scores, axis=0)
    counts = np.minimum(np.arange(1, len(scores) + 1), window)
    return np.asarray(sums / counts[:, None])


def error_rates(
    scores: Floats, is_keyword: npt.NDArray[np.bool_], threshold: float
) -> tuple[float, float]:
    """Return the false reject and the false accept rate, by looking the threshold up.

    Parameters
    ----------
    scores
        (n,), one a clip.
    is_keyword
        (n,), whether the clip holds a keyword.
    threshold
        Least score that is accepted.
    """
    keywords, others = np.sort(scores[is_keyword]), np.sort(scores[~is_keyword])
    rejected = int(np.searchsorted(keywords, threshold))
    accepted = len(others) - int(np.searchsorted(others, threshold))
    return rejected / max(1, len(keywords)), accepted / max(1, len(others))


def false_alarm_bound(count: int, hours: float, level: float = 0.95) -> float:
    """Return the upper bound on a rate per hour, from SciPy's inverse of the Poisson distribution.

    Parameters
    ----------
    count
        False alarms heard, >= 0.
    hours
        Time listened, > 0.
    level
        Probability that the bound holds, between 0 and 1.
    """
    return float(special.pdtri(count, 1 - level)) / hours
