"""The total of a course: shares of labs and other parts, weighted and rounded as course.toml says.

Everything is exact arithmetic with fractions, so a third of 30 % is 10 % and 54.995 is rounded as a
person would round it. Nothing here knows where points come from, nor which grade a total gives.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Direction = Literal["nearest", "up", "down"]
DIRECTIONS: tuple[Direction, ...] = ("nearest", "up", "down")


@dataclass(frozen=True)
class Rounding:
    """The table ``[rounding]`` of course.toml.

    Parameters
    ----------
    points_digits
        Digits after the point that points have, 0 to 4.
    grade_step
        Totals are multiples of this [%].
    direction
        ``nearest`` (halves up), ``up`` or ``down``: where a total between two steps goes.
    """

    points_digits: int = 2
    grade_step: float = 0.1
    direction: Direction = "nearest"

    def points(self, value: float) -> float:
        """Return points rounded to their digits, halves up.

        Examples
        --------
        >>> Rounding(points_digits=1).points(2.25)
        2.3
        """
        return float(rounded(exact(value), Fraction(1, 10**self.points_digits)))

    def total(self, value: Fraction) -> float:
        """Return a total [%] rounded to a multiple of the step."""
        return float(rounded(value, exact(self.grade_step), direction=self.direction))


@dataclass(frozen=True)
class CourseTotal:
    """What one person has in the course.

    Parameters
    ----------
    percent
        Share reached of the whole course [%], rounded; what is not there yet counts nothing.
    so_far_percent
        Share reached of the parts that are there [%], rounded; None if none is.
    missing
        Names of the labs and parts that count and are not there yet, in the order of the weights.
    """

    percent: float
    so_far_percent: float | None
    missing: tuple[str, ...]


def course_total(
    weights: Mapping[str, float],
    reached: Mapping[str, tuple[float, float] | None],
    *,
    rounding: Rounding,
) -> CourseTotal:
    """Return the weighted total of one person.

    Parameters
    ----------
    weights
        Lab or part -> its weight, relative to the others; >= 0.
    reached
        Lab or part -> points reached and points of a full solution; None or no entry: not there
        yet. Of a part without points, share and 1.
    rounding
        How the total is rounded; shares are not.

    Raises
    ------
    ValueError
        If nothing has a weight, a name has none, or points are not between 0 and all of them.

    Examples
    --------
    Three labs of 10 % and a project of 70 %; the last lab is not handed in:

    >>> weights = {"a": 10, "b": 10, "c": 10, "project": 70}
    >>> course_total(
    ...     weights, {"a": (9, 10), "b": (36, 72), "project": (0.8, 1)}, rounding=Rounding()
    ... )
    CourseTotal(percent=70.0, so_far_percent=77.8, missing=('c',))
    """
    if strange := sorted(set(reached) - set(weights)):
        raise ValueError(f"{', '.join(strange)} has no weight; course.toml gives weights")
    if not sum(weights.values()) > 0:
        raise ValueError("no lab or part has a weight above 0; course.toml gives weights")
    there = {name: points for name, points in reached.items() if points is not None}
    parts = {name: exact(weights[name]) * _share(name, points) for name, points in there.items()}
    summed = 100 * sum(parts.values(), Fraction(0))
    whole = sum((exact(weight) for weight in weights.values()), Fraction(0))
    so_far = sum((exact(weights[name]) for name in there), Fraction(0))
    return CourseTotal(
        percent=rounding.total(summed / whole),
        so_far_percent=rounding.total(summed / so_far) if so_far else None,
        missing=tuple(name for name, weight in weights.items() if weight and name not in there),
    )


def exact(number: float) -> Fraction:
    """Return the number that a person wrote: 1/10 and not the binary fraction next to 0.1."""
    return Fraction(str(number))


def rounded(value: Fraction, step: Fraction, *, direction: Direction = "nearest") -> Fraction:
    """Return the multiple of a step next to a value.

    Parameters
    ----------
    value, step
        What is rounded, and to multiples of what.
    direction
        ``nearest`` (halves up), ``up`` or ``down``.

    Examples
    --------
    >>> [float(rounded(exact(x), Fraction(1, 2))) for x in (1.2, 1.25, 1.7)]
    [1.0, 1.5, 1.5]
    """
    if direction == "up":
        return math.ceil(value / step) * step
    return math.floor(value / step + (Fraction(1, 2) if direction == "nearest" else 0)) * step


def _share(name: str, points: tuple[float, float]) -> Fraction:
    reached, full = points
    if not (math.isfinite(full) and 0 <= reached <= full and full > 0):
        raise ValueError(f"{name}: {reached:g} of {full:g} points; allowed: 0 to all of them")
    return exact(reached) / exact(full)
