"""The open checks of exercise 6.9: sums of two weights, of a picture's length, and of one sign."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

INPUTS = range(-8, 8)
NUMBERS = (int, float, np.generic, np.ndarray, list, tuple)


def wanted_range(weights: Any, biases: Any) -> tuple[int, int]:
    """Return the smallest and the largest output, every input tried at every place."""
    ends: list[int] = []
    for row, bias in zip(np.asarray(weights).tolist(), np.asarray(biases).tolist(), strict=True):
        products = [[weight * value for value in INPUTS] for weight in row]
        ends += [bias + sum(map(min, products)), bias + sum(map(max, products))]
    return min(ends), max(ends)


def wanted_bits(low: int, high: int) -> int:
    """Return the fewest bits that hold both numbers, doubling what they hold until it is enough."""
    bits, half = 1, 1
    while not (-half <= low and high < half):
        bits, half = bits + 1, 2 * half
    return bits


def judge_bits(got: Any, *, weights: Any, biases: Any, what: str) -> None:
    """Assert the width, telling what it would hold and what it must."""
    kind = np.asarray(got).dtype.kind if isinstance(got, NUMBERS) else "none"
    assert kind in "iuf", f"return one whole number, not {got!r:.40}"
    assert np.ndim(got) == 0, f"return one width for all outputs; yours has shape {np.shape(got)}"
    number = float(got)
    assert number.is_integer(), f"{what}: a width is a whole number; yours is {got!r:.40}"
    low, high = wanted_range(weights, biases)
    want = wanted_bits(low, high)
    side = "too few bits" if number < want else "more bits than it takes"
    assert number == want, (
        f"{what}: outputs from {low:,} to {high:,} take a width of {want}; yours, {int(number)}, "
        f"is {side}"
    )


@check("6.9", sentence="Return the fewest bits that hold every output for all inputs.")
def two_weights(student: Student, rng: np.random.Generator) -> None:
    """Follow the example by hand, and four more at either end of seven bits and just past it."""
    weights, rows = [[3, -2]], []
    for biases in ([10], [26], [27], [-26], [-27]):
        got = student.accumulator_bits(np.array(weights), np.array(biases))
        low, high = wanted_range(weights, biases)
        rows.append(
            {
                "weights": "3, -2",
                "bias": biases[0],
                "smallest": low,
                "largest": high,
                "bits": wanted_bits(low, high),
                "yours": got,
            }
        )
    evidence.table(rows)
    for row in rows:
        what = f"weights 3 and -2, bias {row['bias']}"
        judge_bits(row["yours"], weights=weights, biases=[row["bias"]], what=what)


@check(
    "6.9",
    sentence="Each output is its bias plus the sum of weight times input; all outputs share one "
    "width.",
)
def several_outputs(student: Student, rng: np.random.Generator) -> None:
    """Draw four outputs of 16 inputs, the widest somewhere in the middle."""
    weights = rng.integers(-8, 8, (4, 16)) // np.array([[4], [1], [2], [4]])
    biases = rng.integers(-100, 100, 4)
    got = student.accumulator_bits(weights, biases)
    judge_bits(got, weights=weights, biases=biases, what="4 outputs of 16 inputs")


@check(
    "6.9",
    sentence="b bits hold the whole numbers from -2^(b-1) to 2^(b-1) - 1; the smallest width is 1.",
)
def the_smallest_width(student: Student, rng: np.random.Generator) -> None:
    """Ask for a layer that is always 0, one that is always -1, and one that is always 1."""
    for bias in (0, -1, 1):
        weights, biases = np.zeros((1, 3), dtype=int), np.array([bias])
        got = student.accumulator_bits(weights, biases)
        judge_bits(got, weights=weights, biases=biases, what=f"three weights of 0, bias {bias}")
