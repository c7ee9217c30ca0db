"""Hidden checks of requantisation, exercise 1.10."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.mcu_compression.checks.requantization import assert_factor, assert_requantized

# Sum, multiplier and shift: the product lies less than 2**-24 below a half, and up to that half a
# float64 rounds it. Found by solving sum * multiplier = -(2**30 + d) modulo 2**(31 - shift) for
# small d; nobody meets them by chance.
TOO_FINE_FOR_FLOATS = np.array(
    [
        (1_176_783_497, 1_461_929_965, -23),
        (1_061_717_937, 1_569_467_561, -23),
        (1_790_432_973, 1_121_854_581, -23),
        (317_311_911, 2_128_946_061, -23),
        (846_900_967, 1_882_480_159, -23),
        (1_597_566_847, 1_234_738_089, -23),
        (1_117_930_165, 1_651_691_585, -23),
    ],
    dtype=np.int64,
)


@check("1.10", sentence="The multiplier is the whole number nearest to factor * 2^(31 - shift).")
def other_factors(student: Student, rng: np.random.Generator) -> None:
    for exponent in (*rng.uniform(-25, 0, 4), *rng.uniform(0, 10, 2)):
        factor = float(2.0**exponent)
        assert_factor(student.multiplier_and_shift(factor), factor)


@check("1.10", sentence="It lies from 2^30 to 2^31 - 1.")
def factors_at_the_border(student: Student, rng: np.random.Generator) -> None:
    for exponent in (0, int(rng.integers(-20, -1)), -31):
        for factor in (2.0**exponent, 2.0**exponent * (1 - 2.0**-40)):
            if factor >= 2.0**-31:
                assert_factor(student.multiplier_and_shift(factor), factor)


@check("1.10", sentence="A factor below 2^-32 gives (0, 0).")
def tiny_factors(student: Student, rng: np.random.Generator) -> None:
    assert_factor(student.multiplier_and_shift(2.0**-32), 2.0**-32)
    for factor in (0.9 * 2.0**-32, 2.0 ** float(rng.uniform(-60, -34)), 0.0):
        assert_factor(student.multiplier_and_shift(factor), factor)
    sums = np.array([-(2**31), -5, 0, 5, 2**31 - 1], dtype=np.int32)
    assert_requantized(student.requantize(sums, 0, 0, -3), sums, factors=(0, 0), zero_point=-3)


@check("1.10", sentence="A positive shift comes first: the sums are multiplied by 2^shift.")
def positive_shifts(student: Student, rng: np.random.Generator) -> None:
    for shift in (1, 2, 5):
        multiplier = int(rng.integers(2**30, 2**31))
        sums = rng.integers(-250 >> shift, 250 >> shift, 60).astype(np.int32)
        codes = student.requantize(sums, multiplier, shift, 1)
        assert_requantized(codes, sums, factors=(multiplier, shift), zero_point=1)


@check("1.10", sentence="The product is rounded to the nearest whole number, a half goes up.")
def first_rounding_alone(student: Student, rng: np.random.Generator) -> None:
    sums = rng.integers(-160, 160, 80).astype(np.int32)
    for multiplier in (2**30, 3 * 2**29, int(rng.integers(2**30, 2**31))):
        codes = student.requantize(sums, multiplier, 0, 0)
        assert_requantized(codes, sums, factors=(multiplier, 0), zero_point=0)


@check("1.10", sentence="The quotient is rounded as well, but here a half goes away from 0.")
def both_roundings(student: Student, rng: np.random.Generator) -> None:
    for shift in (-1, -2, -3, -6):
        multiplier = int(rng.integers(2**30, 2**31))
        sums = rng.integers(-200 << -shift, 200 << -shift, 300).astype(np.int32)
        codes = student.requantize(sums, multiplier, shift, 0)
        assert_requantized(codes, sums, factors=(multiplier, shift), zero_point=0)


@check("1.10", sentence="The zero point is added, and codes end at -128 and 127.")
def zero_points_and_ends(student: Student, rng: np.random.Generator) -> None:
    for zero_point in (-128, 127, int(rng.integers(-127, 127))):
        multiplier, shift = int(rng.integers(2**30, 2**31)), int(rng.integers(-9, -4))
        sums = rng.integers(-600 << -shift, 600 << -shift, 200).astype(np.int32)
        codes = student.requantize(sums, multiplier, shift, zero_point)
        assert_requantized(codes, sums, factors=(multiplier, shift), zero_point=zero_point)


@check(
    "1.10", sentence="Multiplier and shift may be arrays (channels,), for the last axis of sums."
)
def many_channels(student: Student, rng: np.random.Generator) -> None:
    for shape in ((6,), (3, 7), (2, 5, 3, 6), (4, 4)):
        multipliers = rng.integers(2**30, 2**31, shape[-1]).astype(np.int32)
        shifts = rng.integers(-9, -3, shape[-1]).astype(np.int32)
        shifts[0], shifts[1] = 1, 0
        reach = 300 / (multipliers * 2.0 ** (shifts - 31))
        sums = np.round(rng.uniform(-reach, reach, shape)).astype(np.int32)
        codes = student.requantize(sums, multipliers, shifts, -5)
        assert_requantized(codes, sums, factors=(multipliers, shifts), zero_point=-5)


@check("1.10", sentence="Sums are int32 of any size, and every code is exact.")
def large_sums(student: Student, rng: np.random.Generator) -> None:
    sums, multipliers, shifts = TOO_FINE_FOR_FLOATS.T
    codes = student.requantize(sums.astype(np.int32), multipliers, shifts, -70)
    assert_requantized(codes, sums, factors=(multipliers, shifts), zero_point=-70)
    multiplier = int(rng.integers(2**30, 2**31))
    sums = rng.integers(-(2**31), 2**31, 200).astype(np.int32)
    sums[:3] = -(2**31), 2**31 - 1, 0
    for shift in (-24, -25, -31):
        codes = student.requantize(sums, multiplier, shift, 0)
        assert_requantized(codes, sums, factors=(multiplier, shift), zero_point=0)
    each = rng.integers(2**30, 2**31, 8).astype(np.int32), -np.arange(24, 32, dtype=np.int32)
    rows = rng.integers(-(2**31), 2**31, (25, 8)).astype(np.int32)
    assert_requantized(student.requantize(rows, *each, 0), rows, factors=each, zero_point=0)
