"""Ranges instead of numbers: every corner of what sources say, and many draws between them.

A range is a pair (low, high). `corners` is right for a function that rises or falls in each of
its inputs. `draw` draws inputs at random, which assumes more: that every value between the ends
is equally likely. Neither knows which source is right.
"""

import itertools
import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from course_utils.records import Kind, Result

Pair = tuple[float, float]
Floats = npt.NDArray[np.float64]


def corners(function: Callable[..., float], **pairs: Pair) -> Pair:
    """Return the least and the most of a function over all corners of its inputs' ranges.

    Parameters
    ----------
    function
        Takes one number for each name, by keyword.
    pairs
        Low and high of each input; at most 16 of them.

    Raises
    ------
    ValueError
        If there are more inputs than that.

    Examples
    --------
    >>> corners(lambda kg, years: kg / years, kg=(100, 200), years=(4, 5))
    (20.0, 50.0)
    """
    if len(pairs) > 16:
        raise ValueError(f"{len(pairs)} inputs have {2 ** len(pairs)} corners; give at most 16")
    found = [
        function(**dict(zip(pairs, ends, strict=True)))
        for ends in itertools.product(*pairs.values())
    ]
    return min(found), max(found)


def result(pair: Pair, *, kind: Kind = "modelled") -> Result:
    """Return a range as a result; its value is the geometric middle, no estimate.

    Parameters
    ----------
    pair
        Low and high, both finite and not negative.
    kind
        How its ends were come by.

    Examples
    --------
    >>> result((1.0, 100.0))
    Result(value=10.0, low=1.0, high=100.0, n=1, kind='modelled')
    """
    low, high = map(float, pair)
    middle = min(max(math.sqrt(low * high), low), high)
    return Result(middle, low, high, n=1, kind=kind)


def point(value: float) -> Result:
    """Return a modelled number whose inputs leave no range.

    Parameters
    ----------
    value
        Finite.

    Examples
    --------
    >>> point(2.5)
    Result(value=2.5, low=2.5, high=2.5, n=1, kind='modelled')
    """
    return Result(value, value, value, n=1, kind="modelled")


def draw(pairs: Mapping[str, Pair], *, draws: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Return values between the ends of each range, all equally likely and independent.

    Parameters
    ----------
    pairs
        Low and high by name.
    draws
        How many of each.
    rng
        Where the randomness is from.
    """
    return {name: rng.uniform(low, high, draws) for name, (low, high) in pairs.items()}
