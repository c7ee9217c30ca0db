"""Values of leaves as whole numbers, for cores without floating point.

A value becomes the nearest whole multiple of ``2^-shift``, so it is off by at most
``2^-(shift + 1)``; a sum over trees is off by at most that often as there are trees, and their mean
by at most ``2^-(shift + 1)`` again. Nothing is compiled here.
"""

import numpy as np
import numpy.typing as npt


def fixed_point(values: npt.NDArray[np.float64], shift: int) -> npt.NDArray[np.int64]:
    """Return values as whole multiples of ``2^-shift``, rounded to the nearest, halves to even.

    Examples
    --------
    >>> fixed_point(np.array([0.25, 1 / 3]), 15)
    array([ 8192, 10923])
    """
    return np.rint(np.ldexp(values, shift)).astype(np.int64)


def most_bits(values: npt.NDArray[np.float64], *, trees: int) -> int:
    """Return the most bits behind the point with which a value fits 16 bits and a sum 31.

    Parameters
    ----------
    values
        Of all leaves: finite and >= 0.
    trees
        Values that are summed up, one a tree.

    Raises
    ------
    ValueError
        If a value is negative or not finite, or even whole values do not fit.

    Examples
    --------
    >>> most_bits(np.array([0.0, 1.0]), trees=32), most_bits(np.array([5.0]), trees=32)
    (15, 13)
    """
    largest = float(values.max())
    if not (values.min() >= 0 and largest < np.inf):
        raise ValueError("values that are negative or not finite cannot be made whole")
    for shift in range(15, -1, -1):
        whole = int(fixed_point(np.array(largest), shift))
        if whole < 2**16 and whole * trees < 2**31:
            return shift
    raise ValueError(f"the sum of {trees} values of {largest:g} does not fit 31 bits")
