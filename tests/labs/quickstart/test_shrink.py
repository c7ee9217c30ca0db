"""Quantisers applied to a whole network, and the bytes counted."""

import numpy as np
import pytest
import torch

from labs.quickstart import given, network, shrink


def test_an_exact_quantiser_changes_nothing_and_the_original_stays():
    model = network.DigitsNet(seed=0)
    before = {name: p.clone() for name, p in model.named_parameters()}
    copy = shrink.shrink(model, lambda weights, bits: (weights, 1.0), bits=8)
    for name, parameter in copy.named_parameters():
        assert torch.equal(parameter, before[name])
    shrink.shrink(model, lambda weights, bits: (np.zeros_like(weights), 1.0), bits=8)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name])


def test_weights_are_rounded_and_biases_are_not():
    model = network.DigitsNet(seed=0)
    small = shrink.shrink(model, given.quantize, bits=2)
    for name, parameter in small.named_parameters():
        if name.endswith("weight"):
            assert len(parameter.unique()) <= 3
        else:
            assert torch.equal(parameter, dict(model.named_parameters())[name])


def test_bytes_by_hand():
    # width 8: 72 + 1,152 + 640 weights in three tensors, 8 + 16 + 10 biases.
    model = network.DigitsNet(width=8)
    biases, scales = 34 * 4, 3 * 4
    assert shrink.shrunk_bytes(model, bits=8) == 72 + 1152 + 640 + biases + scales
    assert shrink.shrunk_bytes(model, bits=3) == 27 + 432 + 240 + biases + scales


@pytest.mark.parametrize("bits", [1, 9])
def test_bits_outside_the_lab_are_refused(bits):
    with pytest.raises(ValueError, match=f"bits is {bits}"):
        shrink.shrink(network.DigitsNet(), given.quantize, bits=bits)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_given_quantiser_against_the_definition(bits):
    weights = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    codes, scale = given.quantize(weights, bits)
    top = 2 ** (bits - 1) - 1
    assert scale == pytest.approx(np.abs(weights).max() / top)
    assert np.abs(codes).max() == top
    # Half a step, and float32 rounding of weights near 1 (2^-23 each for product and quotient).
    assert np.abs(codes * scale - weights).max() <= scale / 2 + 4 * 2**-23


def test_the_given_functions_on_edge_cases():
    codes, scale = given.quantize(np.zeros(3, dtype=np.float32), 8)
    assert (codes.tolist(), scale) == ([0, 0, 0], 1.0)
    assert given.conv_cost(1, 8, 3, 8, 8) == (80, 4608)
    assert given.conv_cost(2, 3, 5, 9, 7, 2) == (153, 150 * 5 * 4)
