"""The hidden checks of the quickstart: the same sentences, other inputs."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student


def _by_hand(ins: int, outs: int, kernel: int, size: tuple[int, int], stride: int) -> list[int]:
    """Count a convolution by walking over its output places."""
    places = sum(1 for _ in range(0, size[0], stride) for _ in range(0, size[1], stride))
    weights = ins * outs * kernel * kernel
    return [weights + outs, weights * places]


@check("0.1", sentence="With a stride of s only every s-th row and column is computed.", weight=2)
def strides_that_do_not_divide(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        stride = int(rng.integers(2, 5))
        height, width = (int(stride * n + 1) for n in rng.choice(np.arange(2, 9), 2, replace=False))
        ins, outs = (int(n) for n in rng.integers(2, 9, size=2))
        got = student.conv_cost(ins, outs, 3, height, width, stride)
        want = _by_hand(ins, outs, 3, (height, width), stride)
        assert_equal(got, want, what=f"a stride of {stride} on {height}x{width}")


@check("0.1", sentence="Each output channel has one kernel for every input channel, and one bias.")
def other_kernels(student: Student, rng: np.random.Generator) -> None:
    for kernel in (1, 5):
        ins, outs = (int(n) for n in rng.integers(2, 17, size=2))
        params, _ = student.conv_cost(ins, outs, kernel, 12, 12)
        want = _by_hand(ins, outs, kernel, (12, 12), 1)[0]
        assert_equal(params, want, what=f"parameters of {kernel}x{kernel} kernels")


@check("0.1", sentence="A MAC is one weight times one input, added up; biases cost no MACs.")
def pictures_that_are_not_square(student: Student, rng: np.random.Generator) -> None:
    height, width = (int(n) for n in rng.choice(np.arange(5, 40), 2, replace=False))
    _, macs = student.conv_cost(2, 3, 5, height, width)
    assert_equal(macs, _by_hand(2, 3, 5, (height, width), 1)[1], what=f"MACs on {height}x{width}")


def _check_codes(weights: np.ndarray, bits: int, student: Student) -> None:
    codes, scale = student.quantize(weights, bits)
    codes, top = np.asarray(codes, dtype=np.float64), 2 ** (bits - 1) - 1
    largest = float(np.abs(weights).max())
    assert_equal(scale, largest / top, what=f"scale with {bits} bits", relative=1e-5)
    assert codes.shape == weights.shape, "the codes have the shape of the weights"
    assert bool((codes == np.round(codes)).all()), "codes are whole numbers"
    assert bool((np.abs(codes) <= top).all()), f"with {bits} bits codes lie in -{top}..{top}"
    # Half a step; float32 weights and scales are rounded to 24 bits, far below 1e-4 of a step.
    off = np.abs(codes - weights.astype(np.float64) / (largest / top)).max()
    assert off <= 0.5 + 1e-4, "a code is the nearest whole number to weight / scale"


@check("0.2", sentence="The scale maps the largest absolute weight to the largest code.")
def other_numbers_of_bits(student: Student, rng: np.random.Generator) -> None:
    for bits in (2, 3, 6, 8):
        _check_codes(rng.normal(0, 0.3, size=50).astype(np.float32), bits, student)


@check("0.2", sentence="A code is the nearest whole number to weight / scale.")
def several_dimensions(student: Student, rng: np.random.Generator) -> None:
    _check_codes(rng.normal(0, 2.0, size=(4, 3, 3, 3)).astype(np.float32), 8, student)


@check("0.2", sentence="The scale maps the largest absolute weight to the largest code.")
def largest_is_negative(student: Student, rng: np.random.Generator) -> None:
    weights = rng.uniform(-0.2, 0.2, size=30).astype(np.float32)
    weights[rng.integers(30)] = -0.9
    _check_codes(weights, 8, student)


@check("0.2", sentence="If all weights are 0, the scale is 1.")
def all_zero(student: Student, rng: np.random.Generator) -> None:
    codes, scale = student.quantize(np.zeros((2, 3), dtype=np.float32), 8)
    assert_equal(scale, 1.0, what="the scale of weights that are all 0")
    assert_equal(codes, np.zeros((2, 3)), what="the codes of weights that are all 0")
