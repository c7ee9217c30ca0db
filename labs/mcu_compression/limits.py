"""What the parameters of this lab may be, asked before anything is loaded or trained."""

import math
from collections.abc import Mapping

RANGES: Mapping[str, tuple[float, float]] = {  # both ends are allowed
    "width": (0.05, 4.0),
    "bits": (2, 8),
    "sparsity": (0.0, 0.9),
    "epochs": (1, 1_000),
    "seed": (0, 2**31 - 1),
    "noise": (0.0, 1.0),
    "batch": (1, 1_000),
}


def check(**parameters: float) -> None:
    """Check parameters against their ranges.

    Parameters
    ----------
    parameters
        By their names in the notebook.

    Raises
    ------
    ValueError
        Naming the first that is out of its range, its value and the range.

    Examples
    --------
    >>> check(bits=4, noise=0.1)
    >>> check(bits=1)
    Traceback (most recent call last):
    ...
    ValueError: bits is 1; give a number from 2 to 8
    """
    for name, value in parameters.items():
        low, high = RANGES[name]
        if not (math.isfinite(value) and low <= value <= high):
            raise ValueError(f"{name} is {value:g}; give a number from {low:g} to {high:g}")
