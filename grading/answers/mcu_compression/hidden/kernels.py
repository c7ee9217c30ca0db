"""Hidden checks of pointwise layers in C, exercises 1.11 and 1.12."""

from dataclasses import replace

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.mcu_compression.checks import fast_kernels, kernels
from labs.mcu_compression.pointwise import Pointwise, draw


def _extreme(layer: Pointwise) -> Pointwise:
    """Set inputs and weights to the ends of int8, so that sums are as large as they get."""
    x, w = layer.x.copy(), layer.w.copy()
    x[0], x[-1] = 127, -128
    w[0], w[-1] = 127, -127
    return replace(layer, x=x, w=w)


def _dead(layer: Pointwise) -> Pointwise:
    """Take a channel's multiplier away, as in a network whose channel says nothing."""
    m, s = layer.m.copy(), layer.s.copy()
    m[0], s[0], s[1:2] = 0, 0, 0
    return replace(layer, m=m, s=s)


@check("1.11", sentence="Every code equals the reference's, bit for bit, whatever the numbers are.")
def odd_sizes(student: Student, rng: np.random.Generator) -> None:
    layer = draw(rng, (7, 9, 3), x_zero=100, y_zero=15)
    kernels.assert_exact(
        kernels.tried(student, kernels.text_of(student, layer), layer=layer), layer
    )


@check("1.11", sentence="Every code equals the reference's, bit for bit, whatever the numbers are.")
def factors_above_one(student: Student, rng: np.random.Generator) -> None:
    """Take sums so small that they are raised: shifts of 1 and 2 go to the left."""
    layer = draw(rng, (5, 3, 4), x_zero=0, y_zero=-7)
    raised = replace(
        layer,
        x=rng.integers(-6, 7, size=layer.x.shape).astype(np.int8),
        w=rng.integers(-3, 4, size=layer.w.shape).astype(np.int8),
        b=rng.integers(-9, 10, size=layer.b.shape).astype(np.int32),
        s=np.array([1, 2, 1, 0], dtype=np.int8),
    )
    text = kernels.text_of(student, raised)
    kernels.assert_exact(kernels.tried(student, text, layer=raised), raised)


@check(
    "1.11",
    sentence="Every code equals the reference's, bit for bit, whatever the numbers are.",
    weight=3,
)
def many_codes(student: Student, rng: np.random.Generator) -> None:
    layer = draw(rng, (125, 64, 64), x_zero=-128, y_zero=3)
    text = kernels.text_of(student, layer)
    for each in (layer, _extreme(layer), _dead(layer)):
        kernels.assert_exact(kernels.tried(student, text, layer=each), each)


@check("1.11", sentence="Each sum begins with b[o] and runs over x[p * inputs + k] - x_zero.")
def single_ones(student: Student, rng: np.random.Generator) -> None:
    for sizes in ((1, 1, 1), (1, 12, 5)):
        layer = draw(rng, sizes, x_zero=127, y_zero=127)
        kernels.assert_exact(
            kernels.tried(student, kernels.text_of(student, layer), layer=layer), layer
        )


@check("1.11", sentence="All of y is written, and nothing else.", weight=0.5)
def writes_odd_sizes(student: Student, rng: np.random.Generator) -> None:
    layer = draw(rng, (7, 9, 3), x_zero=100, y_zero=15)
    kernels.assert_in_place(kernels.tried(student, kernels.text_of(student, layer), layer=layer))


@check("1.12", sentence="Each bias becomes b minus x_zero times the sum of its output's weights.")
def folds_many(student: Student, rng: np.random.Generator) -> None:
    for x_zero in (-128, -3, 0, 127):
        layer = draw(rng, (1, 64, 9), x_zero=x_zero, y_zero=0)
        what = f"9 biases with 64 weights each and x_zero {x_zero}"
        assert_equal(fast_kernels.folded(student, layer), layer.folded().b, what=what)


@check(
    "1.12",
    sentence="Every code equals the reference's, bit for bit, whatever the numbers are.",
    weight=1.5,
)
def other_sizes(student: Student, rng: np.random.Generator) -> None:
    for sizes, y_zero in (((5, 12, 3), 15), ((1, 4, 1), 127), ((6, 20, 7), -128)):
        layer = draw(rng, sizes, x_zero=-128, y_zero=y_zero).folded()
        text = fast_kernels.text_of(student, layer)
        for each in (layer, _dead(layer), _extreme(layer)):
            found = kernels.tried(student, text, layer=each)
            kernels.assert_in_place(found)
            kernels.assert_exact(found, each)
