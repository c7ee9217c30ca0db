"""The open checks of exercise 6.4: a line through two calls, and one through many."""

import math
from fractions import Fraction
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

# The numbers of rows differ enough for float64 to solve the normal equations to 1e-10, and an
# iterative fit stops at some 1e-8 of the sum of squares; other weights move them by 1e-3 and more.
RELATIVE = 1e-5


def wanted_cost(rows: Any, times_s: Any) -> tuple[float, float]:
    """Return overhead and work by Cramer's rule in fractions: nothing is rounded."""
    pairs = [(Fraction(int(n)), Fraction(float(t))) for n, t in zip(rows, times_s, strict=True)]
    weight = sum(1 / t**2 for _, t in pairs)
    first = sum(n / t**2 for n, t in pairs)
    second = sum(n * n / t**2 for n, t in pairs)
    right, right_first = sum(1 / t for _, t in pairs), sum(n / t for n, t in pairs)
    determinant = weight * second - first * first
    overhead = (right * second - right_first * first) / determinant
    return float(overhead), float((weight * right_first - first * right) / determinant)


def number(value: Any, *, what: str) -> float:
    """Return a number that student code gave as a float; say what it is if it is none."""
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value.item()
    numbers = (int, float, np.integer, np.floating)
    is_number = isinstance(value, numbers) and not isinstance(value, bool)
    assert is_number, f"{what} is a float, not {value!r:.40}"
    return float(value)


def judge_cost(got: Any, *, rows: Any, times_s: Any, what: str) -> None:
    """Assert both numbers, naming the first that is off."""
    assert isinstance(got, tuple | list | np.ndarray), f"return two floats, not {got!r:.40}"
    assert np.shape(got) == (2,), f"return (overhead_s, work_s), two numbers; yours: {got!r:.60}"
    wanted = wanted_cost(rows, times_s)
    # A cost may be next to nothing: what counts is its share of the shortest time.
    scales = float(np.min(times_s)), float(np.min(np.asarray(times_s) / np.asarray(rows)))
    for name, have, want, scale in zip(("overhead_s", "work_s"), got, wanted, scales, strict=True):
        value = number(have, what=name)
        is_near = math.isfinite(value) and abs(value - want) <= RELATIVE * max(abs(want), scale)
        assert is_near, f"{what}: {name} is {want:.6g}, you have {value:.6g}"


def timed(
    rng: np.random.Generator, rows: Any, *, cost_s: tuple[float, float], spread: float
) -> np.ndarray:
    """Return times of calls that cost so much, each longer by up to `spread` of itself."""
    told = cost_s[0] + np.asarray(rows) * cost_s[1]
    return np.asarray(told * (1 + spread * rng.random(len(told))))


@check("6.4", sentence="A call with n rows is told to take overhead + n * work.")
def two_calls(student: Student, rng: np.random.Generator) -> None:
    """Take the two calls of the text: a line goes through both."""
    rows, times_s = np.array([1, 100]), np.array([110e-6, 200e-6])
    got = student.overhead_and_work(rows, times_s)
    judge_cost(got, rows=rows, times_s=times_s, what="1 row in 110 us, 100 rows in 200 us")


@check(
    "6.4",
    sentence="The two numbers make the sum of squared relative errors smallest; a relative error "
    "is (told - time) / time.",
)
def short_calls_count_as_much(student: Student, rng: np.random.Generator) -> None:
    """Fit nine sizes whose times scatter by a tenth, the longest by tens of microseconds."""
    rows = 2 ** np.arange(9)
    times_s = timed(rng, rows, cost_s=(20e-6, 4e-6), spread=0.1)
    got = student.overhead_and_work(rows, times_s)
    lines = {"best": wanted_cost(rows, times_s)}
    if isinstance(got, tuple | list) and len(got) == 2 and all(isinstance(x, float) for x in got):
        lines["yours"] = (got[0], got[1])
    told = {name: (o + rows * w) / times_s - 1 for name, (o, w) in lines.items()}
    errors = {f"{name}: error [%]": list(100 * each) for name, each in told.items()}
    evidence.table(
        [
            {"rows": int(n), "time [us]": round(1e6 * float(t), 1)}
            | {name: round(float(each[i]), 1) for name, each in errors.items()}
            for i, (n, t) in enumerate(zip(rows, times_s, strict=True))
        ]
        + [
            {"rows": "sum of squares", "time [us]": ""}
            | {name: round(float(np.sum(np.square(each))), 1) for name, each in errors.items()}
        ]
    )
    judge_cost(got, rows=rows, times_s=times_s, what="1 to 256 rows, times off by up to a tenth")
