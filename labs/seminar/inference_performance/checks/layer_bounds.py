"""The open checks of exercise 6.7: how far errors of weights and inputs may move an output."""

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

Floats = npt.NDArray[np.float64]
Layer = tuple[Floats, Floats, Floats, Floats]


def wanted_bound(layer: Layer) -> list[float]:
    """Return the bound of each output: of each product the farthest ends, added up."""
    weights, weight_error, inputs, input_error = (values.tolist() for values in layer)
    found = []
    for row, off in zip(weights, weight_error, strict=True):
        ups, downs = [], []
        for w, a, x, b in zip(row, off, inputs, input_error, strict=True):
            ends = [w * t + s * x + s * t for s, t in itertools.product((-a, a), (-b, b))]
            ups.append(max(ends))
            downs.append(-min(ends))
        found.append(max(math.fsum(ups), math.fsum(downs)))
    return found


def tolerances(layer: Layer) -> list[float]:
    """Return what rounding may change in each output, computed in float32 or better.

    The difference of two sums of n products, each with a few roundings of its own, is off by at
    most about 2 (n + 6) u times the sum of absolute values, with u = 2**-24.
    """
    weights, weight_error, inputs, input_error = layer
    sizes = (np.abs(weights) + weight_error) @ (np.abs(inputs) + input_error)
    return [float(x) for x in 2 * (len(inputs) + 6) * 2.0**-24 * sizes]


def judge_bound(got: Any, *, layer: Layer, what: str) -> None:
    """Assert one number an output, naming the first that is off and in which direction."""
    want = wanted_bound(layer)
    form = f"{what}: return one number an output, {len(want)} here"
    assert isinstance(got, list | tuple | np.ndarray), f"{form}; yours is {got!r:.40}"
    assert len(got) == len(want), f"{form}; yours has {len(got)}"
    for output, have in enumerate(got):
        is_number = isinstance(have, int | float | np.number) and not isinstance(have, bool)
        assert is_number, f"{form}; yours has {have!r:.40} for output {output}"
        assert math.isfinite(have), f"{what}: the bound of output {output} is {have}"
        difference = float(have) - want[output]
        told = f"{what}: the bound of output {output} is {want[output]:.6g}, yours {have:.6g}"
        slack = tolerances(layer)[output]
        assert difference >= -slack, f"{told}: smaller than a change that can happen"
        assert difference <= slack, f"{told}: larger than any change that can happen"


def layer_of(rng: np.random.Generator, *, outputs: int, inputs: int, error: float = 0.5) -> Layer:
    """Return a layer with numbers of both signs and errors of a fair size."""
    shape = (outputs, inputs)
    weights, x = rng.uniform(-2, 2, shape), rng.uniform(-3, 3, inputs)
    return weights, rng.uniform(0.1, 1, shape) * error, x, rng.uniform(0.1, 1, inputs) * error


@check(
    "6.7",
    sentence="An output's bound is the largest change, up or down, that any such errors can cause.",
)
def by_hand(student: Student, rng: np.random.Generator) -> None:
    """Follow one product up, one down, and both in one sum."""
    rows = []
    for weights, off, inputs, input_off in (
        ([[2.0]], [[0.5]], [3.0], [1.0]),
        ([[2.0]], [[0.5]], [-0.5], [1.0]),
        ([[2.0, 2.0]], [[0.5, 0.5]], [3.0, -0.5], [1.0, 1.0]),
    ):
        layer = (np.array(weights), np.array(off), np.array(inputs), np.array(input_off))
        got = student.layer_bound(*(values.copy() for values in layer))
        bound = wanted_bound(layer)
        rows.append((layer, {"inputs": str(inputs), "bound": bound, "yours": got}))
    evidence.table([row for _, row in rows])
    for layer, row in rows:
        judge_bound(row["yours"], layer=layer, what=f"inputs {row['inputs']}")


@check("6.7", sentence="Output j is the sum of weights[j, i] * inputs[i] over all i.")
def three_outputs(student: Student, rng: np.random.Generator) -> None:
    """Take four inputs and three outputs, with numbers of both signs."""
    layer = layer_of(rng, outputs=3, inputs=4)
    judge_bound(student.layer_bound(*layer), layer=layer, what="4 inputs, 3 outputs")


@check(
    "6.7",
    sentence="Each weight and each input may be off by its error at most, up or down, each by "
    "itself.",
)
def one_kind_of_error(student: Student, rng: np.random.Generator) -> None:
    """Let only weights be off, then only inputs, then nothing."""
    weights, off, inputs, input_off = layer_of(rng, outputs=2, inputs=5)
    none, no_input_error = np.zeros_like(off), np.zeros_like(input_off)
    for what, layer in (
        ("exact inputs", (weights, off, inputs, no_input_error)),
        ("exact weights", (weights, none, inputs, input_off)),
        ("no error", (weights, none, inputs, no_input_error)),
    ):
        judge_bound(student.layer_bound(*layer), layer=layer, what=what)
