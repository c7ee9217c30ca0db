"""Hidden checks of folding and fake quantisation, exercise 1.6."""

import numpy as np
import torch

from labs.engine.checks import check
from labs.engine.student import Student
from labs.mcu_compression.checks.quantization import (
    assert_folds,
    assert_gradient,
    assert_values,
    gradient_of,
)


@check("1.6", sentence="The folded convolution gives what convolution and normalisation gave.")
def convolutions_with_groups(student: Student, rng: np.random.Generator) -> None:
    for shape, groups in (((8, 1, 3, 3), 8), ((6, 2, 2, 2), 3), ((4, 4, 1, 1), 1)):
        assert_folds(student, rng, shape=shape, groups=groups)


@check("1.6", sentence="Each output channel is scaled by gamma / sqrt(variance + eps).")
def many_channels(student: Student, rng: np.random.Generator) -> None:
    assert_folds(student, rng, shape=(16, 3, 1, 1), groups=1)


@check("1.6", sentence="The value is scale * (code - zero_point), with the codes of exercise 1.5.")
def other_grids(student: Student, rng: np.random.Generator) -> None:
    for bits, shape in ((2, (40,)), (4, (3, 2, 5)), (8, (10, 9))):
        top = 2 ** (bits - 1)
        grid = (float(rng.uniform(4, 6)) / 2**bits, int(rng.integers(-top, top)), bits)
        x = torch.tensor(rng.normal(0, 1.5, size=shape), dtype=torch.float32)
        got = np.asarray(student.fake_quantize(x, *grid), dtype=np.float64)
        assert got.shape == shape, f"the shape stays {shape}, you have {got.shape}"
        assert_values(got, x, grid=grid)


def _both_parts(rng: np.random.Generator, bits: int) -> tuple[torch.Tensor, np.ndarray, int]:
    """Return values on a grid of step 0.5, ends included, and others a step or more outside."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    zero_point = int(rng.integers(low, high + 1))
    codes = np.r_[low, high, rng.uniform(low, high, size=8)]
    beyond = np.r_[low - rng.uniform(1, 9, size=3), high + rng.uniform(1, 9, size=3)]
    x = 0.5 * (np.r_[codes, beyond] - zero_point)
    inside = np.r_[np.ones(10, dtype=bool), np.zeros(6, dtype=bool)]
    order = rng.permutation(16)
    return torch.tensor(x[order], dtype=torch.float32), inside[order], zero_point


@check("1.6", sentence="The gradient passes unchanged where x lies within the range of the codes.")
def gradient_of_other_grids(student: Student, rng: np.random.Generator) -> None:
    for bits in (2, 5, 8):
        x, inside, zero_point = _both_parts(rng, bits)
        x, inside = x[inside], inside[inside]
        upstream = torch.tensor(rng.normal(size=10), dtype=torch.float32)
        got = gradient_of(student, x, upstream=upstream, grid=(0.5, zero_point, bits))
        assert_gradient(got, upstream.numpy().astype(np.float64), inside=inside)


@check("1.6", sentence="The gradient is 0 where the code was clamped.")
def gradient_of_a_mixture(student: Student, rng: np.random.Generator) -> None:
    for bits in (3, 8):
        x, inside, zero_point = _both_parts(rng, bits)
        x, inside = x.reshape(4, 4), inside.reshape(4, 4)
        upstream = torch.tensor(rng.normal(size=(4, 4)), dtype=torch.float32)
        got = gradient_of(student, x, upstream=upstream, grid=(0.5, zero_point, bits))
        assert_gradient(got, upstream.numpy() * inside, inside=inside)
