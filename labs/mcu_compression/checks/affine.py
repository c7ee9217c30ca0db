"""Open checks of affine quantisation, exercise 1.5."""

from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.mcu_compression import quantization_pictures as pictures

Array = npt.NDArray[Any]
# Of a step: inputs are float32, and 2**8 steps of 2**-23 each are far below it.
SLACK = 1e-4


def assert_whole(numbers: npt.ArrayLike, *, what: str) -> npt.NDArray[np.float64]:
    """Return numbers as an array, if they are whole."""
    found = np.asarray(numbers, dtype=np.float64)
    bad = found[found != np.round(found)]
    assert not bad.size, f"{what}: whole numbers are asked for, yours has {bad.flat[0]:.6g}"
    return found


def assert_grid(got: Any, ends: tuple[float, float], *, bits: int) -> tuple[float, int]:
    """Check scale and zero point of a range against the definition; return them."""
    low, high = ends
    what = f"the range {low:g} to {high:g} with {bits} bits"
    assert np.shape(got) == (2,), f"{what}: return two numbers, (scale, zero_point)"
    scale, zero_point = np.asarray(got, dtype=np.float64).tolist()
    low, high = min(low, 0.0), max(high, 0.0)
    want = (high - low) / (2**bits - 1)
    hint = f"{2**bits} codes have {2**bits - 1} steps between them, and 0 lies in the range"
    assert_equal(scale, want, what=f"scale of {what} ({hint})", relative=1e-5)
    code = float(assert_whole(zero_point, what=f"zero point of {what}"))
    exact = -(2 ** (bits - 1)) - low / want
    assert abs(code - exact) <= 0.5 + SLACK, (
        f"zero point of {what}: the whole number nearest to {exact:.4g} is asked for, "
        f"you have {code:g}"
    )
    return scale, int(code)


def assert_codes(codes: Any, x: Array, *, grid: tuple[float, int], bits: int) -> Array:
    """Check the codes of values against the definition; return them."""
    scale, zero_point = grid
    found = np.asarray(codes)
    assert found.shape == x.shape, f"one code a value: shape {x.shape}, you have {found.shape}"
    found = assert_whole(found, what="codes")
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    outside = found[(found < low) | (found > high)]
    assert not outside.size, (
        f"with {bits} bits the codes lie in {low} to {high}, yours reach {outside.flat[0]:g}"
    )
    exact = x.astype(np.float64) / scale + zero_point
    off = np.abs(found - np.clip(exact, low, high))
    worst = int(off.argmax())
    assert off.flat[worst] <= 0.5 + SLACK, (
        f"the code nearest to {x.flat[worst]:.4g} / {scale:.4g} + {zero_point} = "
        f"{exact.flat[worst]:.4g} is asked for ({bits} bits), you have {found.flat[worst]:g}"
    )
    return found


@check("1.5", sentence="The range is widened until it includes 0, and its ends get the end codes.")
def range_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the range worked out by hand, and one that does not include 0."""
    rows = []
    for low, high, bits, want in ((-0.5, 1.0, 2, (0.5, -1)), (0.3, 1.5, 2, (0.5, -2))):
        scale, zero_point = student.affine_parameters(low, high, bits)
        rows.append(
            {
                "range": f"{low:g} to {high:g}, {bits} bits",
                "by hand": f"scale {want[0]:g}, zero point {want[1]}",
                "yours": f"scale {float(scale):g}, zero point {float(zero_point):g}",
            }
        )
        if len(rows) == 2:
            evidence.table(rows)
        assert_grid((scale, zero_point), (low, high), bits=bits)


@check("1.5", sentence="The zero point is the code of 0, a whole number.")
def zero_stays_zero(student: Student, rng: np.random.Generator) -> None:
    """Take ranges of 8 bits whose 0 lies between two codes before rounding."""
    for _ in range(3):
        low, high = -float(rng.uniform(0.1, 2)), float(rng.uniform(0.1, 2))
        grid = assert_grid(student.affine_parameters(low, high, 8), (low, high), bits=8)
        codes = student.quantize(np.zeros(2, dtype=np.float32), *grid, 8)
        assert_equal(codes, [grid[1]] * 2, what="the codes of 0, which is the zero point")


@check("1.5", sentence="A code is the nearest whole number to x / scale + zero_point.")
def codes_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Send the four values worked out by hand through 2 bits, and one that is too large."""
    x = np.array([-0.5, 0.0, 0.7, 1.0, 1.4], dtype=np.float32)
    codes = student.quantize(x, 0.5, -1, 2)
    by_hand = [-2, -1, 0, 1, 1]
    restored = 0.5 * (np.asarray(codes, dtype=np.float64) + 1)
    if restored.shape == x.shape:
        evidence.table(
            [
                {"x": float(v), "code by hand": c, "yours": float(y), "stands for": float(r)}
                for v, c, y, r in zip(x, by_hand, np.asarray(codes), restored, strict=True)
            ]
        )
    assert_codes(codes, x, grid=(0.5, -1), bits=2)


@check("1.5", sentence="Between low and high the error is at most scale / 2.")
def staircase(student: Student, rng: np.random.Generator) -> None:
    """Send a ramp through 3 bits: a staircase inside the range, flat outside."""
    low, high, bits = -float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.9, 1.1)), 3
    scale, zero_point = (float(v) for v in student.affine_parameters(low, high, bits))
    ramp = np.linspace(low - 0.4, high + 0.4, 400).astype(np.float32)
    codes = np.asarray(student.quantize(ramp, scale, round(zero_point), bits), dtype=np.float64)
    assert codes.shape == ramp.shape, f"one code a value: {ramp.shape}, you have {codes.shape}"
    restored = scale * (codes - zero_point)
    figure, axes = plots.new_figure()
    pictures.staircase(axes, ramp, after=restored, ends=(low, high))
    evidence.picture(figure, alt="Values before and after 3 bits: a staircase, flat at both ends.")
    inside = (ramp >= low) & (ramp <= high)
    worst = float(np.abs(restored - ramp)[inside].max())
    assert worst <= scale * (0.5 + SLACK), (
        f"inside the range rounding errs by at most scale / 2 = {scale / 2:.4f}, yours by "
        f"{worst:.4f}"
    )
    assert_codes(codes, ramp, grid=(scale, round(zero_point)), bits=bits)


@check("1.5", sentence="Each output channel, along the first axis, has a scale of its own.")
def channels_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take three channels of two weights each, one of them a hundred times smaller."""
    weights = np.array([[1.27, -0.3], [0.2, -2.54], [0.0127, 0.01]], dtype=np.float32)
    scales = np.asarray(student.channel_scales(weights, 8), dtype=np.float64)
    assert scales.shape == (3,), f"one scale for each of 3 output channels, you have {scales.shape}"
    evidence.table(
        [
            {"channel": ", ".join(f"{w:g}" for w in row), "by hand": want, "yours": float(got)}
            for row, want, got in zip(weights, (0.01, 0.02, 0.0001), scales, strict=True)
        ]
    )
    assert_scales(scales, weights, bits=8)


def assert_scales(scales: Any, weights: Array, *, bits: int) -> None:
    """Check the scales of output channels against the definition."""
    found = np.asarray(scales, dtype=np.float64)
    assert found.shape == (len(weights),), (
        f"one scale for each of {len(weights)} output channels, you have shape {found.shape}"
    )
    top = 2 ** (bits - 1) - 1
    for channel, (row, scale) in enumerate(zip(weights, found, strict=True)):
        want = float(np.abs(row).max()) / top or 1.0
        what = f"scale of channel {channel} with {bits} bits (its largest |weight| / {top})"
        assert_equal(float(scale), want, what=what, relative=1e-5)
