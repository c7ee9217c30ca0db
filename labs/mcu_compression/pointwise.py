"""Pointwise layers to try a kernel on: random numbers, the codes they should give, usual mistakes.

A layer is drawn so that its codes spread over all of int8 and some are clamped. What it should give
is computed in NumPy (`integer.fixed_point`), and `explain` recognises the codes of a mistake.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.integer.fixed_point import clamped, multiplier_and_shift, scaled
from labs.mcu_compression.integer.layers import Codes

Sums = npt.NDArray[np.int64]
SPREAD = 75.0  # standard deviation of the codes before they are clamped
BIAS = 0.5  # spread of the biases, as a share of that of the sums


@dataclass(frozen=True, eq=False)
class Pointwise:
    """A layer with its input.

    Parameters
    ----------
    x
        (places, inputs), codes of the input.
    w
        (outputs, inputs), codes of the weights.
    b, m
        (outputs,), int32: biases and multipliers.
    s
        (outputs,), int8: shifts.
    x_zero, y_zero
        Zero points of input and output.
    """

    x: Codes
    w: Codes
    b: npt.NDArray[np.int32]
    m: npt.NDArray[np.int32]
    s: npt.NDArray[np.int8]
    x_zero: int
    y_zero: int

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Places, inputs and outputs."""
        places, inputs = self.x.shape
        return places, inputs, len(self.w)

    @property
    def arrays(self) -> dict[str, npt.NDArray[np.integer]]:
        """What a kernel is handed, by the names of its arguments."""
        return {name: getattr(self, name) for name in "xwbms"}

    @property
    def sums(self) -> Sums:
        """The sums that are requantised, (places, outputs)."""
        return _sums(self.x - np.int64(self.x_zero), self.w) + self.b

    def codes(self) -> Codes:
        """Return what the layer gives, (places, outputs)."""
        return self.requantized(self.sums)

    def requantized(self, sums: Sums) -> Codes:
        """Return the codes of sums."""
        return clamped(scaled(sums, self.m, shifts=self.s) + self.y_zero)

    def folded(self) -> "Pointwise":
        """Return the same layer with its input's zero point in the biases."""
        b = self.b - self.x_zero * self.w.sum(axis=1, dtype=np.int64)
        return replace(self, b=b.astype(np.int32), x_zero=0)


def draw(
    rng: np.random.Generator, sizes: tuple[int, int, int], *, x_zero: int, y_zero: int
) -> Pointwise:
    """Return a layer of random numbers.

    Parameters
    ----------
    rng
        Where the numbers come from.
    sizes
        Places, inputs and outputs, each >= 1.
    x_zero, y_zero
        Zero points, -128 to 127.
    """
    places, inputs, outputs = sizes
    x = rng.integers(-128, 128, size=(places, inputs)).astype(np.int8)
    w = rng.integers(-127, 128, size=(outputs, inputs)).astype(np.int8)
    products = _sums(x - np.int64(x_zero), w)
    usual = max(1.0, float(products.std()))
    # Biases bring the sums back to the middle, as training would.
    b = rng.normal(0, BIAS * usual, size=outputs) - products.mean(axis=0)
    factors = SPREAD / usual * rng.uniform(0.3, 1.5, size=outputs)
    pairs = np.array([multiplier_and_shift(float(factor)) for factor in factors])
    return Pointwise(
        x,
        w,
        np.round(b).astype(np.int32),
        pairs[:, 0].astype(np.int32),
        pairs[:, 1].astype(np.int8),
        x_zero,
        y_zero,
    )


def explain(layer: Pointwise, got: Codes) -> str:
    """Return which mistake gives just these codes, or nothing if none of the usual ones does.

    Parameters
    ----------
    layer
        What was asked for.
    got
        (places, outputs), wrong codes.

    Examples
    --------
    >>> layer = draw(np.random.default_rng(0), (3, 5, 2), x_zero=7, y_zero=0)
    >>> explain(layer, replace(layer, x_zero=0).codes())
    'these are the codes of sums without x_zero: subtract it from every x'
    """
    for codes, said in _mistakes(layer):
        if codes.size == got.size and np.array_equal(codes.reshape(got.shape), got):
            return said
    return ""


def _sums(x: Sums, w: npt.NDArray[np.integer]) -> Sums:
    return x @ w.T.astype(np.int64)


def _mistakes(layer: Pointwise) -> Iterator[tuple[Codes, str]]:
    for sums, said in _wrong_sums(layer):
        yield layer.requantized(sums), said
    yield from _wrong_codes(layer)
    for fields, said in (
        ({"y_zero": 0}, "y_zero is missing"),
        ({"m": layer.m[:1], "s": layer.s[:1]}, "each output has its own multiplier and shift"),
    ):
        yield replace(layer, **fields).codes(), said


def _wrong_sums(layer: Pointwise) -> Iterator[tuple[Sums, str]]:
    places, inputs, outputs = layer.sizes
    x, w, b = layer.x.astype(np.int64), layer.w.astype(np.int64), layer.b
    real, right = x - layer.x_zero, layer.sums
    yield _sums(x, w) + b, "these are the codes of sums without x_zero: subtract it from every x"
    yield _sums(x + layer.x_zero, w) + b, "x_zero is added to x, where it is subtracted"
    yield _sums(real, w), "these are the codes of sums without the biases b"
    other = w.reshape(inputs, outputs).T
    yield _sums(real, other) + b, "w is read as w[k * outputs + o]; it lies as w[o * inputs + k]"
    other = real.reshape(inputs, places).T
    yield _sums(other, w) + b, "x is read as x[k * places + p]; it lies as x[p * inputs + k]"
    yield _sums(real.astype(np.int8), w) + b, "x - x_zero does not fit int8_t: it needs more bits"
    yield right.astype(np.int8), "the sum is kept in 8 bits: it needs int32_t"
    yield right.astype(np.int16), "the sum is kept in 16 bits: it needs int32_t"
    yield _sums((x & 255) - layer.x_zero, w) + b, "x is read as unsigned: it is signed, int8_t"
    is_even = np.arange(inputs) % 2 == 0
    for part, said in ((is_even, "only bytes 0 and 2"), (~is_even, "only bytes 1 and 3")):
        half = _sums(real[:, part], w[:, part])
        yield half + b, f"{said} of every four are multiplied: the other pair is missing"
        yield 2 * half + b, f"{said} of every four are multiplied, and these twice"
    swapped = np.minimum(np.arange(inputs) ^ 1, inputs - 1)
    yield _sums(real[:, swapped], w) + b, "bytes 0 and 2 of x meet bytes 1 and 3 of w"


def _wrong_codes(layer: Pointwise) -> Iterator[tuple[Codes, str]]:
    right, sums = layer.codes(), layer.sums
    wide = scaled(sums, layer.m, shifts=layer.s)
    yield (
        np.ascontiguousarray(right.T),
        "y is written as y[o * places + p]; it lies as y[p * outputs + o]",
    )
    wrapped = "codes beyond -128 and 127 wrap around, where they are limited"
    yield (wide + layer.y_zero).astype(np.int8), wrapped
    yield (clamped(wide) + np.int64(layer.y_zero)).astype(np.int8), f"with y_zero added, {wrapped}"
    yield clamped(wide + layer.y_zero, low=-127), "codes are limited at -127, where -128 is allowed"
    yield (
        clamped(wide + layer.y_zero, low=layer.y_zero),
        "codes are limited at y_zero, where they go down to -128",
    )
    exact, shifts = sums * layer.m.astype(np.int64), 31 - layer.s.astype(np.int64)
    yield clamped((exact >> shifts) + layer.y_zero), "the product is cut off, not rounded"
    once = (exact + (np.int64(1) << (shifts - 1))) >> shifts
    yield clamped(once + layer.y_zero), "the product is rounded once; requantize rounds it twice"
