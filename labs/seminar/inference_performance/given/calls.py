"""Stand-in for exercise 6.4: the line through weighted means."""

import numpy as np
import numpy.typing as npt

__all__ = ["overhead_and_work"]


def overhead_and_work(rows: npt.ArrayLike, times_s: npt.ArrayLike) -> tuple[float, float]:
    """Return what a call costs and what each row adds, errors taken relative to the times.

    Parameters
    ----------
    rows
        (n,), rows of each call, at least two different numbers.
    times_s
        (n,), how long each call took [s]; positive.
    """
    x, y = np.asarray(rows, dtype=np.float64), np.asarray(times_s, dtype=np.float64)
    weights = (y.min() / y) ** 2
    x_mean, y_mean = np.average(x, weights=weights), np.average(y, weights=weights)
    work_s = weights @ ((x - x_mean) * (y - y_mean)) / (weights @ (x - x_mean) ** 2)
    return float(y_mean - work_s * x_mean), float(work_s)
