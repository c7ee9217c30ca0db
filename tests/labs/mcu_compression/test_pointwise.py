"""Layers that kernels are tried on: the codes against the reference network, and named mistakes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.mcu_compression.integer.layers import Linear, Tensor
from labs.mcu_compression.integer.operators import compute
from labs.mcu_compression.pointwise import Pointwise, draw, explain

codes = st.integers(-128, 127)
sizes = st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 5))


@given(st.integers(0, 2**32), sizes, codes, codes)
def test_a_layer_gives_what_the_reference_network_gives(
    seed: int, size: tuple[int, int, int], x_zero: int, y_zero: int
) -> None:
    layer = draw(np.random.default_rng(seed), size, x_zero=x_zero, y_zero=y_zero)
    linear = Linear(
        "linear", (0,), 1, layer.w, layer.b, layer.m, layer.s.astype(np.int32), layer.x_zero
    )
    tensors = Tensor("x", size[1:2], 1.0, x_zero), Tensor("y", size[2:], 1.0, y_zero)
    want = compute(linear, [layer.x], inputs=[tensors[0]], output=tensors[1])
    assert np.array_equal(layer.codes(), want)
    assert np.array_equal(layer.folded().codes(), want)


def test_codes_spread_and_some_are_clamped() -> None:
    found = draw(np.random.default_rng(0), (200, 64, 16), x_zero=-20, y_zero=0).codes()
    assert found.std() > 40
    assert {-128, 127} <= set(found.ravel().tolist())


def _wrapped(layer: Pointwise) -> np.ndarray:
    return layer.requantized(layer.sums.astype(np.int16).astype(np.int64))


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda layer: replace(layer, x_zero=0).codes(), "without x_zero"),
        (lambda layer: replace(layer, x_zero=-layer.x_zero).codes(), "x_zero is added"),
        (lambda layer: replace(layer, b=0 * layer.b).codes(), "without the biases"),
        (lambda layer: replace(layer, y_zero=0).codes(), "y_zero is missing"),
        (lambda layer: layer.codes().T.reshape(9, 6), "y is written as y[o * places + p]"),
        (_wrapped, "the sum is kept in 16 bits"),
        (lambda layer: layer.codes() ^ 1, ""),
    ],
)
def test_usual_mistakes_are_named(mistake: object, said: str) -> None:
    layer = draw(np.random.default_rng(1), (9, 8, 6), x_zero=7, y_zero=-5)
    found = explain(layer, mistake(layer))
    assert (said in found) if said else not found


def test_a_right_answer_with_a_zero_point_of_0_is_no_mistake_that_is_named() -> None:
    layer = draw(np.random.default_rng(1), (9, 8, 6), x_zero=0, y_zero=-5)
    wrong = layer.codes()
    wrong[0, 0] ^= 1
    assert explain(layer, wrong) == ""
