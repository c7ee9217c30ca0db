"""Open checks of requantisation, exercise 1.10."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student
from labs.mcu_compression import requantization_pictures as pictures
from labs.mcu_compression.checks import roundings
from labs.mcu_compression.checks.affine import assert_whole
from labs.mcu_compression.integer import fixed_point

Whole = npt.NDArray[np.integer[Any]]
Factors = tuple[int | Whole, int | Whole]
LOWEST_FACTOR = 2.0**-32
THREE_EIGHTHS = (3 * 2**29, -1)
MOST_SHIFT = 900  # a float ends at 2**1023
MOST_TRIED = 100  # wrong codes that the message tries to explain, and of all others


def assert_factor(got: Any, factor: float) -> None:
    """Check multiplier and shift of a factor against the definition."""
    what = f"the factor {factor:.10g}"
    assert np.shape(got) == (2,), f"{what}: return two numbers, (multiplier, shift)"
    whole = assert_whole(got, what=f"(multiplier, shift) of {what}")
    multiplier, shift = (int(x) for x in whole)
    if factor < LOWEST_FACTOR:
        assert (multiplier, shift) == (0, 0), (
            f"{what} is below 2^-32 and gets (0, 0), you have ({multiplier}, {shift})"
        )
        return
    found = multiplier * 2.0 ** min(max(shift - 31, -MOST_SHIFT), MOST_SHIFT)
    assert abs(found - factor) <= factor / 2**20, (
        f"{what}: your {multiplier} * 2^({shift} - 31) is {found:.10g}"
    )
    assert 2**30 <= multiplier < 2**31, (
        f"multiplier of {what}: from 2^30 to 2^31 - 1, you have {multiplier}"
    )
    exact = Fraction(factor) * Fraction(2) ** (31 - shift)
    assert abs(multiplier - exact) <= Fraction(1, 2), (
        f"multiplier of {what}: the whole number nearest to {float(exact):.2f} is asked for, "
        f"you have {multiplier}"
    )


def assert_requantized(got: Any, sums: Whole, *, factors: Factors, zero_point: int) -> None:
    """Check codes against the definition; the message goes through the steps of a wrong one."""
    found = np.asarray(got)
    assert found.shape == sums.shape, f"one code a sum: {sums.shape}, you have {found.shape}"
    found = assert_whole(found, what="codes")
    outside = found[(found < roundings.LOWEST) | (found > roundings.HIGHEST)]
    assert not outside.size, f"codes lie in -128 to 127, yours reach {outside.flat[0]:g}"
    want = fixed_point.scaled(sums, factors[0], shifts=factors[1])
    want = fixed_point.clamped(want + zero_point)
    wrong = np.flatnonzero(found != want)
    if wrong.size:
        columns = [np.broadcast_to(each, sums.shape).ravel() for each in (sums, *factors)]
        tried = np.r_[wrong[:MOST_TRIED], 0 : found.size : max(1, found.size // MOST_TRIED)]
        cases = np.stack(columns, axis=1)[tried].tolist()
        why = roundings.explanation(cases, found.flat[tried].tolist(), zero_point=zero_point)
        told = steps([int(column[wrong[0]]) for column in columns], zero_point=zero_point)
        yours = f"you have {found.flat[wrong[0]]:g}"
        raise AssertionError(f"{told}; {yours}, {why}" if why else f"{told}; {yours}")


def steps(case: Sequence[int], *, zero_point: int) -> str:
    """Return in words how a sum becomes a code; `case` is sum, multiplier and shift."""
    total, multiplier, shift = case
    left, right = max(shift, 0), max(-shift, 0)
    raised = np.array(total << left, np.int64)
    product = fixed_point.doubling_high_product(raised, multiplier)
    rounded = int(fixed_point.rounding_shift(product, right))
    code = min(max(rounded + zero_point, roundings.LOWEST), roundings.HIGHEST)
    exact = Fraction(int(raised) * multiplier, 2**31)
    first = f"{total} * 2^{shift} = {raised}; " if left else ""
    last = f"{product} / 2^{right} = {int(product) / 2**right:.12g}, rounded {rounded}; "
    return (
        f"{first}{raised} * {multiplier} / 2^31 = {float(exact):.12g}, rounded {product}; "
        f"{last if right else ''}plus {zero_point} makes {rounded + zero_point}, the code {code}"
    )


@check("1.10", sentence="The multiplier is the whole number nearest to factor * 2^(31 - shift).")
def factors_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the factor worked out by hand, and four others."""
    answers = {x: student.multiplier_and_shift(x) for x in (0.375, 0.7, 1 / 3, 0.0045, 1.5)}
    evidence.table([{"factor": x, "yours": str(answer)} for x, answer in answers.items()])
    for factor, answer in answers.items():
        assert_factor(answer, factor)


@check("1.10", sentence="The product is rounded to the nearest whole number, a half goes up.")
def first_rounding(student: Student, rng: np.random.Generator) -> None:
    """Take the factor 0.75 with shift 0, so that nothing is left to divide by."""
    sums = np.array([1, -1, 2, -2, 6, -6], dtype=np.int32)
    codes = student.requantize(sums, 3 * 2**29, 0, 0)
    _show(sums, codes, by_hand=(1, -1, 2, -1, 5, -4))
    assert_requantized(codes, sums, factors=(3 * 2**29, 0), zero_point=0)


@check("1.10", sentence="The quotient is rounded as well, but here a half goes away from 0.")
def by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the sums worked out by hand: factor 0.375, zero point 10."""
    sums = np.array([9, -9, 1, -1, 2, -2, 400], dtype=np.int32)
    codes = student.requantize(sums, *THREE_EIGHTHS, 10)
    _show(sums, codes, by_hand=(14, 6, 11, 9, 11, 9, 127))
    assert_requantized(codes, sums, factors=THREE_EIGHTHS, zero_point=10)


@check("1.10", sentence="The zero point is added, and codes end at -128 and 127.")
def ramp(student: Student, rng: np.random.Generator) -> None:
    """Send a ramp of sums through one factor: steps inside int8, flat at both ends."""
    factor, zero_point = float(rng.uniform(0.004, 0.008)), int(rng.integers(-40, 40))
    factors = fixed_point.multiplier_and_shift(factor)
    sums = np.linspace(-200 / factor, 200 / factor, 2_001).astype(np.int32)
    codes = np.asarray(student.requantize(sums, *factors, zero_point))
    if codes.shape == sums.shape and codes.dtype.kind in "iuf":
        figure, axes = plots.new_figure()
        pictures.ramp(axes, sums, codes=codes, exact=factor * sums + zero_point)
        evidence.picture(figure, alt="Codes rise with the sum, and are flat at both ends of int8.")
    assert_requantized(codes, sums, factors=factors, zero_point=zero_point)


@check(
    "1.10", sentence="Multiplier and shift may be arrays (channels,), for the last axis of sums."
)
def channels(student: Student, rng: np.random.Generator) -> None:
    """Take two places and four channels, each with a factor of its own."""
    sums = np.array([[1000, 1000, 1000, 7], [-500, -500, -500, -7]], dtype=np.int32)
    pairs = [fixed_point.multiplier_and_shift(x) for x in (0.05, 0.025, 0.001, 3.0)]
    factors = np.array(pairs, dtype=np.int32).T
    codes = student.requantize(sums, *factors, -8)
    evidence.table(
        [{"sums": str(row), "yours": str(got)} for row, got in zip(sums, codes, strict=False)]
    )
    assert_requantized(codes, sums, factors=(factors[0], factors[1]), zero_point=-8)


def _show(sums: Whole, codes: Any, *, by_hand: tuple[int, ...]) -> None:
    """Show codes beside those worked out by hand, if there are as many."""
    if np.shape(codes) == sums.shape:
        evidence.table(
            [
                {"sum": int(total), "by hand": want, "yours": got}
                for total, want, got in zip(sums, by_hand, np.asarray(codes).tolist(), strict=True)
            ]
        )
