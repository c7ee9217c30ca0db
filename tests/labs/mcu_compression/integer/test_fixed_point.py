"""Requantisation against its definition in C's arithmetic, written with Python's whole numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labs.mcu_compression.integer import fixed_point
from labs.mcu_compression.integer.fixed_point import multiplier_and_shift

int32 = st.integers(-(2**31), 2**31 - 1)
multipliers = st.integers(2**30, 2**31 - 1) | st.just(0)


def divided(a: int, b: int) -> int:
    """C's division: towards zero."""
    return abs(a) // b * (1 if a >= 0 else -1)


def high_product(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul; b is no negative number here."""
    nudge = 2**30 if a * b >= 0 else 1 - 2**30
    return divided(a * b + nudge, 2**31)


def nearest_away(value: int, exponent: int) -> int:
    """To the nearest, halves away from zero, by fractions."""
    exact = abs(Fraction(value, 2**exponent))
    return math.floor(exact + Fraction(1, 2)) * (1 if value >= 0 else -1)


@given(st.floats(0, 2.0**30, exclude_max=True))
@example(0.0)
@example(2.0**-33)
@example(2.0**-32)
@example(np.nextafter(1.0, 0))
@example(float(np.nextafter(2.0**30, 0)))
def test_multiplier_and_shift_are_the_factor(factor):
    multiplier, shift = multiplier_and_shift(factor)
    assert multiplier == 0 or 2**30 <= multiplier < 2**31
    assert -31 <= shift <= 30
    error = abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) - Fraction(factor))
    if multiplier:
        assert error <= Fraction(2) ** (shift - 31)
    else:
        assert shift == 0
        assert factor <= 2.0**-32


@pytest.mark.parametrize("factor", [-1e-9, 2.0**30, math.inf, math.nan])
def test_no_other_factor_is_taken(factor):
    with pytest.raises(ValueError, match="give one from 0 to below"):
        multiplier_and_shift(factor)


@given(int32, multipliers)
@example(-(2**31), 2**31 - 1)
@example(-1, 2**30)
def test_product_is_gemmlowps(value, multiplier):
    found = fixed_point.doubling_high_product(np.array([value]), multiplier)
    assert found.tolist() == [high_product(value, multiplier)]


@given(int32, st.integers(0, 31))
@example(-(2**31), 31)
@example(2**31 - 1, 31)
def test_shift_rounds_halves_away_from_zero(value, exponent):
    found = fixed_point.rounding_shift(np.array([value]), exponent)
    assert found.tolist() == [nearest_away(value, exponent)]


@given(st.integers(-(2**24), 2**24), multipliers, st.integers(-31, 6))
def test_scaled_shifts_left_before_and_right_after(value, multiplier, shift):
    raised = value * 2 ** max(shift, 0)
    want = nearest_away(high_product(raised, multiplier), max(-shift, 0))
    assert fixed_point.scaled(np.array([value]), multiplier, shifts=shift).tolist() == [want]


def test_two_roundings_are_not_one():
    """7 / 16 is nearest to 0; but 7 / 2 = 3.5 is rounded to 4 first, and 4 / 8 to 1."""
    assert fixed_point.scaled(np.array([7]), 2**30, shifts=-3).tolist() == [1]
    assert round(7 * 0.5 / 8) == 0


def test_clamped_codes_are_int8():
    found = fixed_point.clamped(np.array([-300, -3, 300]))
    assert (found.dtype, found.tolist()) == (np.int8, [-128, -3, 127])
    assert fixed_point.clamped(np.array([-300, 300]), low=-5, high=6).tolist() == [-5, 6]
