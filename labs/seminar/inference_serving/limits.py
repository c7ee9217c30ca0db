"""What the parameters of this lab may be, asked before anything is measured."""

import math
from collections.abc import Mapping

CHOICES: Mapping[str, tuple[str, ...]] = {
    "size": ("small", "medium", "large"),
    "policy": ("continuous", "static"),
    "cache": ("float32", "int8"),
}
RANGES: Mapping[str, tuple[float, float]] = {  # both ends are allowed
    "load": (0.05, 3),
    "cache_mb": (1, 1000),
    "most_running": (1, 16),
    "patience": (1, 1000),
    "price_per_hour": (1e-6, 1e6),
    "requests": (60, 100_000),
    "runs": (3, 20),
    "train_steps": (1, 100_000),
    "measure_s": (0.01, 60),
    "seed": (0, 2**31 - 1),
}
_WHOLE = ("most_running", "requests", "runs", "train_steps", "seed")


def check_room(cache_tokens: int, longest: int) -> None:
    """Check that the longest request fits into the cache.

    Parameters
    ----------
    cache_tokens
        Tokens that the cache has room for.
    longest
        Tokens of the longest request.

    Raises
    ------
    ValueError
        If it does not; nobody would ever answer it.

    Examples
    --------
    >>> check_room(434, 240)
    >>> check_room(108, 240)
    Traceback (most recent call last):
    ...
    ValueError: the cache has room for 108 tokens, the longest request needs 240; raise cache_mb
    """
    if cache_tokens < longest:
        room = f"the cache has room for {cache_tokens} tokens"
        raise ValueError(f"{room}, the longest request needs {longest}; raise cache_mb")


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
    >>> check(size="medium", load=0.7)
    >>> check(most_running=0)
    Traceback (most recent call last):
    ...
    ValueError: most_running is 0; give a whole number from 1 to 16
    """
    for name, value in values.items():
        if name in CHOICES:
            if value not in CHOICES[name]:
                raise ValueError(f"{name} is {value!r}; give one of {', '.join(CHOICES[name])}")
            continue
        low, high = RANGES[name]
        number = float(value)
        is_right = number.is_integer() if name in _WHOLE else math.isfinite(number)
        if not (is_right and low <= number <= high):
            kind = "whole number" if name in _WHOLE else "number"
            raise ValueError(f"{name} is {number:g}; give a {kind} from {low:g} to {high:g}")
