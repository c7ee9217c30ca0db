"""Hidden cases of exercise 6.7."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_performance.checks.layer_bounds import Layer, judge_bound, layer_of


def _judge(student: Student, layer: Layer, *, what: str) -> None:
    got = student.layer_bound(*(values.copy() for values in layer))
    judge_bound(got, layer=layer, what=what)


@check("6.7", sentence="Output j is the sum of weights[j, i] * inputs[i] over all i.")
def many_shapes(student: Student, rng: np.random.Generator) -> None:
    for outputs, inputs in ((1, 1), (1, 9), (6, 1), (5, 5), (8, 24)):
        what = f"{inputs} inputs, {outputs} outputs"
        _judge(student, layer_of(rng, outputs=outputs, inputs=inputs), what=what)


@check(
    "6.7",
    sentence="An output's bound is the largest change, up or down, that any such errors can cause.",
    weight=2,
)
def pulled_both_ways(student: Student, rng: np.random.Generator) -> None:
    for sign in (1.0, -1.0):
        weights, off, inputs, input_off = layer_of(rng, outputs=4, inputs=6, error=1.0)
        inputs = np.abs(inputs) * np.array([1, -1, 1, -1, 1, sign])
        weights = np.abs(weights) * sign
        _judge(student, (weights, off, inputs, input_off), what="products of both signs")


@check(
    "6.7",
    sentence="Each weight and each input may be off by its error at most, up or down, each by "
    "itself.",
)
def errors_beyond_the_numbers(student: Student, rng: np.random.Generator) -> None:
    for error in (4.0, 20.0):
        layer = layer_of(rng, outputs=3, inputs=5, error=error)
        _judge(student, layer, what="errors larger than the numbers")


@check(
    "6.7",
    sentence="Each weight and each input may be off by its error at most, up or down, each by "
    "itself.",
)
def zeros(student: Student, rng: np.random.Generator) -> None:
    weights, off, inputs, input_off = layer_of(rng, outputs=3, inputs=6)
    weights[:, ::2] = 0
    inputs[::3] = 0
    off[1], input_off[4] = 0, 0
    _judge(student, (weights, off, inputs, input_off), what="weights and inputs of 0")


@check("6.7", sentence="Output j is the sum of weights[j, i] * inputs[i] over all i.")
def other_kinds_of_numbers(student: Student, rng: np.random.Generator) -> None:
    whole = (
        rng.integers(-9, 10, (3, 4)),
        rng.integers(0, 4, (3, 4)),
        rng.integers(-9, 10, 4),
        rng.integers(0, 4, 4),
    )
    _judge(student, whole, what="whole numbers")
    layer = layer_of(rng, outputs=3, inputs=7)
    weights, off, inputs, input_off = (values.astype(np.float32) for values in layer)
    _judge(student, (weights, off, inputs, input_off), what="float32")
