"""Hidden cases of exercise 6.1."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.seminar.inference_performance.checks.thresholds import (
    judge_code,
    judge_threshold,
    number_of,
    wanted_threshold,
)

TINY = 2.0**-149  # the smallest float32 above 0


def _threshold(student: Student, threshold: float) -> float:
    got = student.float32_threshold(threshold)
    judge_threshold(got, threshold=threshold)
    return float(got)


@check(
    "6.1",
    sentence="The new threshold is the largest float32 that is not above the old one.",
    weight=2,
)
def thresholds_of_every_size(student: Student, rng: np.random.Generator) -> None:
    for exponent in (-120, -30, -3, 0, 7, 40, 120):
        for sign in (1, -1):
            _threshold(student, sign * float(rng.uniform(1, 2)) * 2.0**exponent)


@check("6.1", sentence="The new threshold is the largest float32 that is not above the old one.")
def thresholds_that_are_float32_already(student: Student, rng: np.random.Generator) -> None:
    codes = [*rng.integers(1, 0x7F7FFFFF, 4).tolist(), 0x7F7FFFFF]
    for number in [0.0, *(sign * number_of(int(code)) for code in codes for sign in (1, -1))]:
        _threshold(student, number)


@check("6.1", sentence="The new threshold is the largest float32 that is not above the old one.")
def thresholds_next_to_float32(student: Student, rng: np.random.Generator) -> None:
    for code in (int(rng.integers(0x3F000000, 0x42000000)), 0x3F800000, 0x00800000):
        for number in (number_of(code), -number_of(code)):
            for threshold in (np.nextafter(number, -np.inf), np.nextafter(number, np.inf)):
                _threshold(student, float(threshold))


@check("6.1", sentence="The new threshold is the largest float32 that is not above the old one.")
def thresholds_around_zero(student: Student, rng: np.random.Generator) -> None:
    for threshold in (TINY / 4, -TINY / 4, 2.5 * TINY, -2.5 * TINY, 1e-40, -1e-40):
        _threshold(student, threshold)


@check(
    "6.1",
    sentence="The code of a number that is 0 or more is its 32 bits as float32, read as a whole "
    "number.",
)
def codes_of_every_size(student: Student, rng: np.random.Generator) -> None:
    for code in (0, 1, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, *rng.integers(1, 0x7F7FFFFF, 5)):
        judge_code(student.ordered_code(number_of(int(code))), number=number_of(int(code)))


@check(
    "6.1",
    sentence="The code of a negative number is minus the code of its absolute value; -0.0 has the "
    "code 0.",
)
def codes_in_order(student: Student, rng: np.random.Generator) -> None:
    """Ask for codes on both sides of zero, and decide some rows by them."""
    for code in (-1, -0x00800000, -0x7F7FFFFF, *(-rng.integers(1, 0x7F7FFFFF, 4))):
        judge_code(student.ordered_code(number_of(int(code))), number=number_of(int(code)))
    judge_code(student.ordered_code(-0.0), number=-0.0)
    for threshold in (float(rng.uniform(-3, -2)), 0.3, -0.3):
        near = wanted_threshold(threshold)
        split = student.ordered_code(_threshold(student, threshold))
        for step in (-1, 0, 1):
            direction = np.float32(step * np.inf) if step else np.float32(near)
            row = float(np.nextafter(np.float32(near), direction))
            is_left = student.ordered_code(row) <= split
            what = f"whether a row with {row!r} goes left at the threshold {threshold!r}"
            assert_equal(bool(is_left), row <= threshold, what=what)
