"""What the parameters of this lab may be, asked before anything is loaded or trained."""

import math
from collections.abc import Mapping

CHOICES: Mapping[str, tuple[str, ...]] = {
    "dataset": ("digits", "mnist", "keywords_synthetic", "speech_commands"),
    "partition": ("iid", "quantity", "shards", "dirichlet"),
    "strategy": ("fedavg", "fedsgd", "fedprox", "scaffold", "fedavgm", "fedadam"),
    "compression": ("none", "topk", "int8"),
    "engine": ("loop", "flower"),
}
RANGES: Mapping[str, tuple[float, float]] = {  # both ends are allowed
    "alpha": (1e-3, 1e6),
    "clients": (2, 100_000),
    "fraction": (1e-4, 1),
    "local_epochs": (1, 1_000),
    "batch": (0, 65_536),
    "rounds": (2, 100_000),
    "mu": (0, 1_000),
    "seed": (0, 2**31 - 1),
}
_SHARES = ("alpha", "fraction", "mu")


def check(**values: str | float) -> None:
    """Check parameters against what they may be.

    Parameters
    ----------
    values
        By their names in the notebook.

    Raises
    ------
    ValueError
        Naming the first that is none of its choices or out of its range, and what it may be.

    Examples
    --------
    >>> check(partition="iid", clients=20)
    >>> check(alpha=0)
    Traceback (most recent call last):
    ...
    ValueError: alpha is 0; give a number from 0.001 to 1e+06
    """
    for name, value in values.items():
        if name in CHOICES:
            if value not in CHOICES[name]:
                raise ValueError(f"{name} is {value!r}; give one of {', '.join(CHOICES[name])}")
            continue
        low, high = RANGES[name]
        number = float(value)
        is_whole = name in _SHARES or number.is_integer()
        if not (math.isfinite(number) and low <= number <= high and is_whole):
            kind = "number" if name in _SHARES else "whole number"
            raise ValueError(f"{name} is {number:g}; give a {kind} from {low:g} to {high:g}")
