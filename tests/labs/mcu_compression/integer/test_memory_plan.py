"""Plans for the arena: nothing is overwritten that somebody still reads."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.mcu_compression.integer.layers import Layer, Tensor
from labs.mcu_compression.integer.memory_plan import ALIGNMENT, aligned, plan_memory
from labs.mcu_compression.integer.network import IntegerNetwork

_spec = importlib.util.spec_from_file_location(
    "integer_networks", Path(__file__).parents[1] / "integer_networks.py"
)
random_networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(random_networks)


def chain(sizes):
    tensors = tuple(Tensor(f"{n}", (size,), 1.0, 0) for n, size in enumerate(sizes))
    layers = tuple(Layer(f"layer {n}", (n,), n + 1) for n in range(len(sizes) - 1))
    return IntegerNetwork("chain", tensors, layers, 0, len(sizes) - 1)


def interval(network, plan, tensor):
    start = plan.offsets[tensor]
    return start, start + network.tensors[tensor].elements


@given(random_networks.graphs(), st.sets(st.integers(0, 9)), st.integers(0, 50))
def test_every_layer_finds_what_was_written(network, in_place, scratch):
    """A simulation: each byte of the arena remembers the tensor that was written to it last."""
    plan = plan_memory(network, in_place=in_place, scratch_bytes=scratch)
    owner = np.full(plan.arena_bytes, -1)
    for number, layer in enumerate(network.layers):
        for tensor in set(layer.inputs) - {network.input, network.output}:
            start, end = interval(network, plan, tensor)
            assert (owner[start:end] == tensor).all(), (layer, tensor)
        if layer.output == network.output:
            continue
        start, end = interval(network, plan, layer.output)
        for tensor in set(layer.inputs) - {network.input, network.output}:
            first, last = interval(network, plan, tensor)
            is_same = tensor == layer.inputs[0] and number in in_place and first == start
            assert is_same or end <= first or last <= start, (layer, tensor)
        assert start % ALIGNMENT == 0
        assert end <= plan.activation_bytes
        owner[start:end] = layer.output


@given(random_networks.graphs(), st.sets(st.integers(0, 9)), st.integers(0, 50))
def test_a_plan_is_never_larger_than_all_tensors_side_by_side(network, in_place, scratch):
    plan = plan_memory(network, in_place=in_place, scratch_bytes=scratch)
    planned = [layer.output for layer in network.layers if layer.output != network.output]
    assert set(plan.offsets) == set(planned)
    assert plan.activation_bytes <= sum(aligned(network.tensors[t].elements) for t in planned)
    assert plan.arena_bytes == plan.activation_bytes + aligned(scratch)


def test_the_bundled_shapes_take_two_tensors_or_one():
    network = chain([490, *[8000] * 9, 64, 12])
    assert plan_memory(network).activation_bytes == 16_000
    assert plan_memory(network, in_place=range(1, 9)).activation_bytes == 8_000 + 64
    plan = plan_memory(network, in_place=range(12), scratch_bytes=701)
    assert (plan.activation_bytes, plan.scratch_bytes, plan.arena_bytes) == (8_000, 704, 8_704)


def test_a_residual_keeps_its_input_until_the_sum():
    """Tensor 1 is read again by the last but one layer, so that layer 1 may not write over it."""
    tensors = tuple(Tensor(f"{n}", (100,), 1.0, 0) for n in range(6))
    layers = (
        Layer("first", (0,), 1),
        Layer("branch", (1,), 2),
        Layer("further", (2,), 3),
        Layer("sum", (3, 1), 4),
        Layer("last", (4,), 5),
    )
    network = IntegerNetwork("residual", tensors, layers, 0, 5)
    plan = plan_memory(network, in_place=range(5))
    assert plan.offsets[1] != plan.offsets[2] == plan.offsets[3] == plan.offsets[4]
    assert plan.activation_bytes == 200


@pytest.mark.parametrize("sizes", [[5, 7], [5, 1, 7]])
def test_small_chains_need_little(sizes):
    assert plan_memory(chain(sizes)).activation_bytes == (4 if len(sizes) > 2 else 0)


def test_what_grows_is_not_written_in_place():
    plan = plan_memory(chain([1, 10, 20, 1]), in_place=range(3))
    assert plan.activation_bytes == 12 + 20


def test_the_networks_own_arrays_are_not_written_over():
    tensors = tuple(Tensor(f"{n}", (8,), 1.0, 0) for n in range(4))
    layers = (Layer("a", (0,), 1), Layer("b", (1,), 2), Layer("c", (1,), 3))
    network = IntegerNetwork("early", tensors, layers, 0, 1)
    plan = plan_memory(network, in_place=range(3))
    assert set(plan.offsets) == {2, 3}
