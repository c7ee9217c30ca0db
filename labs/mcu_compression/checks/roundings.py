"""Says what was done to codes that are wrong: which of the usual roundings explains all of them.

It serves the messages of exercise 1.10 and decides nothing: a code is right or wrong by
`integer.fixed_point` alone.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

Rounding = Callable[[Fraction], int]
Way = Callable[[int, int, int], int]  # of sum, multiplier and shift
HALF = Fraction(1, 2)
LOWEST, HIGHEST = -128, 127

# The names end the sentence "as if a half went ...".
HALVES: Mapping[str, Rounding] = {
    "up": lambda x: math.floor(x + HALF),
    "away from 0": lambda x: math.floor(x + HALF) if x > 0 else math.ceil(x - HALF),
    "to the even number": round,
}
ROUNDINGS: Mapping[str, Rounding] = {
    **HALVES,
    "down with all else": math.floor,
    "towards 0 with all else": int,
}
FIRST, SECOND = "up", "away from 0"  # as they should be


def explanation(cases: Sequence[Sequence[int]], codes: Sequence[float], *, zero_point: int) -> str:
    """Return which rounding gives such codes, or an empty text if none of the usual ones does.

    Parameters
    ----------
    cases
        Sum, multiplier and shift of each code.
    codes
        As many, right or wrong.
    zero_point
        Of all codes.

    Examples
    --------
    >>> three_eighths = (3 * 2**29, -1)
    >>> explanation([(9, *three_eighths), (1, *three_eighths)], [3, 0], zero_point=0)
    'as if rounded once, at the end'
    >>> explanation([(9, *three_eighths), (-9, *three_eighths)], [4, -3], zero_point=0)
    'as if a half went up in the first rounding, up in the second'
    """
    is_divided = any(shift < 0 for _, _, shift in cases)
    for name, way in _ways() if is_divided else _first_ways():
        found = (way(*case) + zero_point for case in cases)
        if all(min(max(x, LOWEST), HIGHEST) == y for x, y in zip(found, codes, strict=True)):
            return f"as if {name}"
    return ""


def _ways() -> Iterator[tuple[str, Way]]:
    """Yield ways to a code and what to call them, those with one mistake first."""
    for rounding in HALVES.values():
        yield "rounded once, at the end", functools.partial(_once, rounding)
    yield "the product had 32 bits", _cut_off
    pairs = [(FIRST, name) for name in ROUNDINGS] + [(name, SECOND) for name in ROUNDINGS]
    pairs += [(name, name) for name in ROUNDINGS]
    pairs += [(first, second) for first in ROUNDINGS for second in ROUNDINGS]
    for first, second in pairs:
        name = f"a half went {first} in the first rounding, {second} in the second"
        yield name, functools.partial(_twice, ROUNDINGS[first], ROUNDINGS[second])


def _first_ways() -> Iterator[tuple[str, Way]]:
    """Yield the same for codes whose second rounding has nothing to do."""
    yield "the product had 32 bits", _cut_off
    for name, rounding in ROUNDINGS.items():
        yield f"a half went {name} in the first rounding", functools.partial(_once, rounding)


def _once(rounding: Rounding, total: int, *factor: int) -> int:
    multiplier, shift = factor
    return rounding(Fraction(total * multiplier) * Fraction(2) ** (shift - 31))


def _twice(first: Rounding, second: Rounding, *case: int) -> int:
    total, multiplier, shift = case
    product = first(Fraction(total * multiplier) * Fraction(2) ** (max(shift, 0) - 31))
    return second(product * Fraction(2) ** min(shift, 0))


def _cut_off(total: int, *factor: int) -> int:
    multiplier, shift = factor
    product = (total << max(shift, 0)) * multiplier
    kept = (product + 2**31) % 2**32 - 2**31
    return _twice(ROUNDINGS[FIRST], ROUNDINGS[SECOND], kept, 1, min(shift, 0))
