"""Passes change the work and not the result; bounds hold for every input."""

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from labs.mcu_compression.integer.layers import Convolution, Linear, Tensor, Weighted
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.integer.operators import sums_of
from labs.mcu_compression.integer.passes import fold_zero_points, largest_sums

# The folder of tests has no __init__.py: its helpers are loaded by their place.
_spec = importlib.util.spec_from_file_location(
    "integer_networks", Path(__file__).parents[1] / "integer_networks.py"
)
random_networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(random_networks)


def linear(weights, *, bias=0, zero=0):
    weights = np.array(weights, dtype=np.int8)
    per_output = np.zeros(len(weights), dtype=np.int32)
    return Linear(
        "linear",
        (0,),
        1,
        weights=weights,
        biases=per_output + np.int32(bias),
        multipliers=per_output,
        shifts=per_output,
        input_zero_point=zero,
    )


def network_of(layer):
    tensors = (Tensor("x", layer.weights.shape[1:], 1.0, 0), Tensor("y", (layer.outputs,), 1.0, 0))
    return IntegerNetwork("one", tensors, (layer,), 0, 1)


@given(random_networks.networks())
@settings(max_examples=60, deadline=None)
def test_folding_zero_points_changes_no_code(network):
    codes = random_networks.inputs_for(network)
    folded = fold_zero_points(network)
    for (name, want), (_, found) in zip(network.trace(codes), folded.trace(codes), strict=True):
        assert np.array_equal(want, found), name
    weighted = [layer for layer in folded.layers if isinstance(layer, Weighted)]
    assert all(layer.input_zero_point == 0 for layer in weighted)
    again = fold_zero_points(folded)
    assert all(
        np.array_equal(a.biases, b.biases)
        for a, b in zip(folded.layers, again.layers, strict=True)
        if isinstance(a, Weighted)
    )


def test_a_bias_that_leaves_int32_is_refused():
    layer = linear([[127, 127]], bias=2**31 - 1, zero=-128)
    with pytest.raises(
        ValueError, match=r"linear: with its zero point folded, a bias of 2,147,516,159"
    ):
        fold_zero_points(network_of(layer))


@given(random_networks.networks())
@settings(max_examples=60, deadline=None)
def test_no_sum_is_larger_than_its_bound(network):
    for each in (network, fold_zero_points(network)):
        codes = random_networks.inputs_for(each)
        for layer, (_, x) in zip(each.layers, each.trace(codes), strict=False):
            if isinstance(layer, Weighted):
                sums = np.abs(sums_of(layer, x)).reshape(-1, layer.outputs).max(0)
                assert (sums <= largest_sums(layer)).all()


def test_a_bound_is_reached_and_holds_for_parts_of_the_sum():
    """2 * (127 - 3) - 7 * (-128 - 3) + 5 = 1170, and the other end is -1125."""
    layer = linear([[2, -7]], bias=5, zero=3)
    assert largest_sums(layer).tolist() == [1170]
    assert sums_of(layer, np.array([[127, -128]], dtype=np.int8)).tolist() == [[1170]]
    # Every code lies above this zero point, so the sum without its first product is the largest.
    odd = dataclasses.replace(layer, biases=np.array([9], dtype=np.int32), input_zero_point=-130)
    assert largest_sums(odd).tolist() == [7 * 257 - 9]


def test_padding_counts_in_the_bound():
    shape = (1, 2, 2, 1)
    layer = Convolution(
        "conv",
        (0,),
        1,
        weights=np.ones(shape, dtype=np.int8),
        biases=np.zeros(1, dtype=np.int32),
        multipliers=np.zeros(1, dtype=np.int32),
        shifts=np.zeros(1, dtype=np.int32),
        input_zero_point=100,
        padding=(1, 0, 0, 0),
        padding_code=-128,
    )
    assert largest_sums(layer).tolist() == [4 * 228]
