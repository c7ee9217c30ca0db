"""The hidden checks of exercise 2.2: the same sentences, other machines, layers and networks."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.gpu_training.checks.roofline import RELATIVE, judge_roof


@check(
    "2.2",
    sentence="`attainable_ops_per_s` is what the memory can feed, bandwidth x intensity, up to the "
    "peak and never above it.",
)
def both_sides_of_the_ridge(student: Student, rng: np.random.Generator) -> None:
    peak, bandwidth = 1e15 * rng.uniform(0.5, 1), 3e12 * rng.uniform(0.5, 1)
    factors = np.concatenate([[0.01, 1.5, 200.0], rng.uniform(0.1, 10, 9)])
    judge_roof(student, peak / bandwidth * factors, peak=peak, bandwidth=bandwidth)


@check(
    "2.2",
    sentence="An array of intensities gives an array of bounds of the same shape, a number gives a "
    "number.",
)
def other_shapes(student: Student, rng: np.random.Generator) -> None:
    judge_roof(student, rng.uniform(1, 100, (2, 3)), peak=1e12, bandwidth=3e10)


@check(
    "2.2",
    sentence="A linear layer needs 2 x tokens x inputs x outputs operations; input, weights and "
    "output each move once, at `number_bytes` a number.",
)
def other_layers(student: Student, rng: np.random.Generator) -> None:
    for number_bytes in (1, 2, 4):
        t, i, o = (int(n) for n in rng.integers(3, 5000, 3))
        want = 2 * t * i * o / (number_bytes * (t * i + i * o + t * o))
        what = f"op/B of {t} tokens, {i} inputs, {o} outputs, {number_bytes} bytes a number"
        got = student.linear_intensity(t, i, o, number_bytes)
        assert_equal(got, want, what=what, relative=RELATIVE)


@check(
    "2.2",
    sentence="Forward, a token costs 2 operations for each parameter and 4 x layers x width x "
    "context for the attention; backward costs twice as much as forward.",
)
def other_networks(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        tokens, parameters, layers, width, context = (int(n) for n in rng.integers(3, 999, 5))
        want = tokens * (6 * parameters + 12 * layers * width * context)
        got = student.step_ops(tokens, parameters, layers, width, context)
        what = f"{tokens} tokens, {parameters} parameters, {layers} layers of {width}, {context}"
        assert_equal(got, want, what=f"operations of a step with {what}", relative=RELATIVE)
