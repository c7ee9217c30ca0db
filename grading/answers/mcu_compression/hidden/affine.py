"""Hidden checks of affine quantisation, exercise 1.5."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import NotAttemptedError, Student, StudentError
from labs.mcu_compression.checks.affine import assert_codes, assert_grid, assert_scales


@check("1.5", sentence="The range is widened until it includes 0, and its ends get the end codes.")
def other_ranges_and_bits(student: Student, rng: np.random.Generator) -> None:
    for bits in (2, 3, 4, 5, 8):
        low, high = np.sort(rng.uniform(-3, 3, 2)).tolist()
        assert_grid(student.affine_parameters(low, high, bits), (low, high), bits=bits)
    low, high = np.sort(rng.uniform(-9, -1, 2)).tolist()
    assert_grid(student.affine_parameters(low, high, 8), (low, high), bits=8)
    low, high = np.sort(rng.uniform(1, 9, 2)).tolist()
    assert_grid(student.affine_parameters(low, high, 4), (low, high), bits=4)


@check("1.5", sentence="If only 0 is left, the scale is 1 and the zero point 0.")
def range_of_nothing(student: Student, rng: np.random.Generator) -> None:
    for bits in (4, 8):
        try:
            got = student.affine_parameters(0.0, 0.0, bits)
        except NotAttemptedError:
            raise
        except StudentError as err:
            raise AssertionError(f"a range that is only 0 has the scale 1, but {err}") from err
        assert_equal(got, (1.0, 0), what="(scale, zero point) of a range that is only 0")


@check("1.5", sentence="The zero point is the code of 0, a whole number.")
def zero_is_exact(student: Student, rng: np.random.Generator) -> None:
    for bits in (3, 6, 8):
        low, high = -float(rng.uniform(0.05, 4)), float(rng.uniform(0.05, 4))
        grid = assert_grid(student.affine_parameters(low, high, bits), (low, high), bits=bits)
        codes = student.quantize(np.zeros((2, 2), dtype=np.float32), *grid, bits)
        assert_equal(
            codes, np.full((2, 2), grid[1]), what="the codes of 0, which is the zero point"
        )


@check("1.5", sentence="A code is the nearest whole number to x / scale + zero_point.")
def other_values(student: Student, rng: np.random.Generator) -> None:
    for bits, shape in ((2, (60,)), (5, (4, 3, 5)), (8, (10, 20))):
        x = rng.normal(0, 1, size=shape).astype(np.float32)
        top = 2 ** (bits - 1)
        grid = (float(rng.uniform(6, 8)) / 2**bits, int(rng.integers(-top, top)))
        assert_codes(student.quantize(x, *grid, bits), x, grid=grid, bits=bits)


@check("1.5", sentence="What lies outside the codes gets the nearest code there is.")
def far_outside(student: Student, rng: np.random.Generator) -> None:
    for bits in (4, 8):
        x = (rng.choice([-1, 1], size=12) * rng.uniform(50, 400, size=12)).astype(np.float32)
        assert_codes(student.quantize(x, 0.1, 3, bits), x, grid=(0.1, 3), bits=bits)


@check("1.5", sentence="Between low and high the error is at most scale / 2.")
def error_inside(student: Student, rng: np.random.Generator) -> None:
    for bits in (2, 4, 8):
        low, high = -float(rng.uniform(0.2, 2)), float(rng.uniform(0.2, 2))
        scale, zero_point = assert_grid(
            student.affine_parameters(low, high, bits), (low, high), bits=bits
        )
        x = rng.uniform(low, high, size=300).astype(np.float32)
        codes = np.asarray(student.quantize(x, scale, zero_point, bits), dtype=np.float64)
        worst = float(np.abs(scale * (codes - zero_point) - x).max())
        assert worst <= scale * (0.5 + 1e-4), (
            f"inside the range rounding errs by at most scale / 2 = {scale / 2:.4f}, yours by "
            f"{worst:.4f}"
        )


@check("1.5", sentence="Each output channel, along the first axis, has a scale of its own.")
def kernels(student: Student, rng: np.random.Generator) -> None:
    for bits, shape in ((8, (6, 1, 3, 3)), (4, (5, 7, 1, 1)), (2, (3, 8))):
        spread = 10.0 ** rng.uniform(-2, 1, size=(shape[0], *[1] * (len(shape) - 1)))
        weights = (rng.normal(size=shape) * spread).astype(np.float32)
        weights.reshape(shape[0], -1)[0, 0] = -5 * np.abs(weights[0]).max()  # a negative peak
        assert_scales(student.channel_scales(weights, bits), weights, bits=bits)


@check("1.5", sentence="A channel of zeros has the scale 1.")
def dead_channel(student: Student, rng: np.random.Generator) -> None:
    weights = rng.normal(size=(4, 2, 3, 3)).astype(np.float32)
    weights[int(rng.integers(4))] = 0
    assert_scales(student.channel_scales(weights, 8), weights, bits=8)


@check("1.5", sentence="So its step is never coarser than that of one scale for all weights.")
def never_coarser(student: Student, rng: np.random.Generator) -> None:
    weights = rng.normal(size=(8, 4, 3, 3)).astype(np.float32)
    each = np.asarray(student.channel_scales(weights, 4), dtype=np.float64)
    whole = float(np.asarray(student.channel_scales(weights.reshape(1, -1), 4)).flat[0])
    assert_equal(float(each.max()), whole, what="largest scale of a channel, and of the whole",
                 relative=1e-5)  # fmt: skip
    assert float(each.min()) < whole, "channels with smaller weights get smaller scales"
