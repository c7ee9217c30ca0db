"""What the parameters of this lab may be, asked before anything is saved or trained."""

import math
from collections.abc import Mapping

RANGES: Mapping[str, tuple[float, float]] = {  # both ends are allowed
    "seed": (0, 2**31 - 1),
    "repeats": (5, 10_000),
    "chain": (2, 10_000),
    "every": (1, 10_000),
    "set_size": (1, 1_000_000),
    "share": (0, 1),
    "crashes": (0, 200),
}


def check(**values: float) -> None:
    """Check parameters against what they may be.

    Parameters
    ----------
    values
        By their names in the notebook.

    Raises
    ------
    ValueError
        Naming the first that is out of its range, and what it may be.

    Examples
    --------
    >>> check(repeats=7, share=0.1)
    >>> check(every=0)
    Traceback (most recent call last):
    ...
    ValueError: every is 0; give a whole number from 1 to 10000
    """
    for name, value in values.items():
        low, high = RANGES[name]
        is_whole = name == "share" or float(value).is_integer()
        if not (math.isfinite(value) and low <= value <= high and is_whole):
            kind = "number" if name == "share" else "whole number"
            raise ValueError(f"{name} is {value:g}; give a {kind} from {low:g} to {high:g}")
