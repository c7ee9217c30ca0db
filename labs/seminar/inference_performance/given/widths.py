"""Stand-in for exercise 6.9: widths tried one after the other, every output against its ends."""

from collections.abc import Sequence
from typing import Any

__all__ = ["accumulator_bits"]

LOWEST, HIGHEST = -8, 7


def accumulator_bits(weights: Sequence[Sequence[Any]], biases: Sequence[Any]) -> int:
    """Return the fewest bits that hold every output.

    Parameters
    ----------
    weights
        (outputs, inputs), whole numbers.
    biases
        (outputs,), whole numbers.
    """
    numbers = [int(bias) for bias in biases]
    rows = [[int(weight) for weight in row] for row in weights]
    for bits in range(1, 1 + max(map(_enough, rows, numbers))):
        if all(_fits(row, bias, bits=bits) for row, bias in zip(rows, numbers, strict=True)):
            return bits
    raise AssertionError("the last width tried always holds")


def _enough(row: list[int], bias: int) -> int:
    """Return a width that holds more than the sum of all magnitudes."""
    return len(f"{8 * sum(map(abs, row)) + abs(bias):b}") + 1


def _fits(row: list[int], bias: int, *, bits: int) -> bool:
    up = [weight for weight in row if weight > 0]
    down = [weight for weight in row if weight < 0]
    smallest = bias + LOWEST * sum(up) + HIGHEST * sum(down)
    largest = bias + HIGHEST * sum(up) + LOWEST * sum(down)
    half = 1 << (bits - 1)
    return -half <= smallest and largest < half
