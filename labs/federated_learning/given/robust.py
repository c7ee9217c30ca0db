"""Stand-ins for exercise 3.8: SciPy's trimmed mean and distances, and NumPy's median."""

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.spatial import distance

__all__ = ["coordinate_median", "krum", "trimmed_mean"]

Updates = npt.NDArray[np.float64]


def coordinate_median(updates: Updates) -> Updates:
    """Return the median of each column by `numpy.quantile`.

    Parameters
    ----------
    updates
        (clients, size).
    """
    return np.asarray(np.quantile(updates, 0.5, axis=0, method="averaged_inverted_cdf"))


def trimmed_mean(updates: Updates, trim: int) -> Updates:
    """Return the mean of each column without its ends, by `scipy.stats.trim_mean`.

    Parameters
    ----------
    updates
        (clients, size).
    trim
        Numbers left out at each end.

    Raises
    ------
    ValueError
        If nothing would be left, or trim is negative.
    """
    if trim < 0 or 2 * trim >= len(updates):
        raise ValueError(f"trim is {trim} of {len(updates)} updates at each end; give fewer")
    share = (trim + 0.5) / len(updates)  # SciPy rounds down to whole numbers
    return np.asarray(stats.trim_mean(updates, min(share, 0.5 - 1e-9), axis=0))


def krum(updates: Updates, byzantine: int) -> int:
    """Return the number of Krum's update, from SciPy's table of squared distances.

    Parameters
    ----------
    updates
        (n, size).
    byzantine
        How many may be wrong.

    Raises
    ------
    ValueError
        If n is below ``2 * byzantine + 3`` or byzantine is negative.
    """
    neighbours = len(updates) - byzantine - 2
    if byzantine < 0 or neighbours < byzantine + 1:
        raise ValueError(f"{len(updates)} updates are too few for {byzantine} wrong ones")
    table = distance.cdist(updates, updates, "sqeuclidean")
    # Each row holds the distance 0 to itself, which is never above another.
    return int(np.partition(table, neighbours, axis=1)[:, : neighbours + 1].sum(axis=1).argmin())
