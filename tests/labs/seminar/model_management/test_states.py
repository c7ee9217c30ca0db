"""States: what a layer is, and when two states are the same."""

import numpy as np
import pytest
import torch
from torch import nn

from labs.seminar.model_management import states


def test_a_state_goes_into_a_network_and_comes_out_again():
    one, two = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    one.running_mean.fill_(2.0)
    states.load_into(two, states.state_of(one))
    assert torch.equal(two.running_mean, one.running_mean)
    assert states.is_same(states.state_of(two), states.state_of(one))


def test_a_state_is_a_copy():
    model = nn.Linear(2, 2)
    state = states.state_of(model)
    with torch.no_grad():
        model.weight.add_(1.0)
    assert not states.is_same(state, states.state_of(model))


@pytest.mark.parametrize(
    "other",
    [
        {"a": np.zeros(4, np.float64)},
        {"a": np.zeros((2, 2), np.float32)},
        {"a": -np.zeros(4, np.float32)},
        {"b": np.zeros(4, np.float32)},
        {},
    ],
)
def test_what_differs_in_type_shape_sign_or_name_is_not_the_same(other):
    assert not states.is_same({"a": np.zeros(4, np.float32)}, other)


def test_nan_is_the_same_as_itself():
    assert states.is_same({"a": np.array([np.nan])}, {"a": np.array([np.nan])})


def test_layers_hold_the_tensors_with_their_whole_names():
    state = {"fc.weight": np.zeros(2), "top": np.zeros(1), "fc.bias": np.ones(1)}
    layers = states.layers_of(state)
    assert [(layer, list(tensors)) for layer, tensors in layers.items()] == [
        ("fc", ["fc.weight", "fc.bias"]),
        ("", ["top"]),
    ]
    assert states.size_bytes(state) == 8 * 4
