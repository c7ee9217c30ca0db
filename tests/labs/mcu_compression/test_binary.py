"""Binary and ternary weights: the best codes, straight-through gradients, training, and bytes."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.mcu_compression import binary, quantization, training
from labs.shared.networks import KEYWORD_SHAPE, ds_cnn

KINDS = [(w, a) for w in ("binary", "ternary") for a in ("int8", "sign")]


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def features(n=60, seed=0):
    return torch.randn(n, *KEYWORD_SHAPE, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def network():
    """Return a small network whose normalisation has seen data, in evaluation mode."""
    made = ds_cnn(width=0.25, seed=3)
    binary.refresh_statistics(made, features(100))
    return made


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=12))
def test_binary_codes_err_least_of_all(values):
    weights = torch.tensor([values], dtype=torch.float64)
    codes, factors = binary.low_bit_codes(weights, "binary")
    assert set(codes.unique().tolist()) <= {-1.0, 1.0}
    best = float((codes * factors - weights).square().sum())
    # For any signs the best factor is their mean agreement, so all sign patterns can be tried.
    patterns = 2 * (np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1) - 1
    scales = (patterns * values).mean(1, keepdims=True)
    assert best <= np.square(patterns * scales - values).sum(1).min() + 1e-9


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=30))
def test_ternary_codes_drop_the_small_and_keep_the_sign(values):
    weights = torch.tensor([values, values[::-1]], dtype=torch.float64)
    codes, factors = binary.low_bit_codes(weights, "ternary")
    for row, code, factor in zip(weights, codes, factors.ravel(), strict=True):
        kept = row.abs() > 0.7 * row.abs().mean()
        assert torch.equal(code, torch.sign(row) * kept)
        want = float(row[kept].abs().mean()) if kept.any() else 0.0
        assert float(factor) == pytest.approx(want)


def test_gradients_pass_straight_through():
    layer = binary.LowBitPointwise(torch.nn.Conv2d(3, 2, 1), "ternary")
    x = torch.randn(4, 3, 5, 2, generator=torch.Generator().manual_seed(1))
    layer(x).square().sum().backward()
    plain = layer.rounded().clone().requires_grad_()
    want = torch.nn.functional.conv2d(x, plain, layer.bias)
    want.square().sum().backward()
    torch.testing.assert_close(layer.weight.grad, plain.grad)
    values = torch.tensor([-2.0, -0.1, 0.0, 3.0], requires_grad=True)
    signs = binary.Sign()(values)
    assert signs.tolist() == [-1, -1, 1, 1]
    signs.sum().backward()
    torch.testing.assert_close(values.grad, 1 - torch.tanh(values.detach()) ** 2)


@pytest.mark.parametrize(("weights", "activations"), KINDS)
def test_training_is_repeatable_and_leaves_all_else_alone(network, weights, activations):
    before, state = copy.deepcopy(network.state_dict()), torch.random.get_rng_state()
    examples = features(), torch.arange(60) % 12
    how = training.Settings(epochs=2, batch=20, learning_rate=5e-3)
    first, second = (
        binary.train(network, examples, weights=weights, activations=activations, settings=how)
        for _ in range(2)
    )
    assert torch.equal(training.logits(first, examples[0]), training.logits(second, examples[0]))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(v, before[name]) for name, v in network.state_dict().items())
    small = binary.quantize(first, examples[0])
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (small.weights, small.activations) == (weights, activations)
    alphabet = {-127, 0, 127} if weights == "ternary" else {-127, 127}
    for layer in small.codes():
        if layer.kind == "pointwise":
            assert set(np.unique(layer.weight_codes)) <= alphabet


def test_it_learns():
    examples = features(40), torch.arange(40) % 2
    start = ds_cnn(width=0.25, classes=2, seed=1)
    how = training.Settings(epochs=60, batch=20, learning_rate=0.01)
    for weights, activations in KINDS:
        tuned = binary.train(
            start, examples, weights=weights, activations=activations, settings=how
        )
        # 32 of 40 by guessing has a probability of 1e-4.
        assert int(training.is_right(tuned, examples).sum()) >= 32, (weights, activations)


def test_statistics_are_those_of_the_clips(network):
    clips = features(120, seed=4) * 3 + 1
    layer = network.stem[2]
    binary.refresh_statistics(network, clips)
    with torch.no_grad():
        made = network.stem[:2](clips).transpose(0, 1).flatten(1)
    torch.testing.assert_close(layer.running_mean, made.mean(1))
    torch.testing.assert_close(layer.running_var, made.var(1))
    assert layer.momentum == 0.1
    assert not network.training


@pytest.mark.parametrize(("weights", "activations"), KINDS)
def test_eight_bits_elsewhere_answer_nearly_as_before(network, weights, activations):
    low = binary.low_bit(network, weights=weights, activations=activations)
    binary.refresh_statistics(low, features(100))
    small = binary.quantize(low, features(100))
    x = features(50, seed=9)
    want, got = training.logits(low, x), training.logits(small, x)
    # A sign near 0 may flip by rounding what comes before it, int8 values only move by a step.
    off = float((want - got).square().mean().sqrt() / want.std())
    assert off < (0.35 if activations == "sign" else 0.1)


def test_bytes_by_hand():
    """Width 1: 9 grids of layers and the input, and the average on the grid before it."""
    made = ds_cnn().eval()
    stem, depthwise, head = 2560 + 64 * 8, 4 * (576 + 64 * 8), 768 + 12 * 8
    signed = 4 * (576 + 64 * 4)
    rows = {"binary": 64 * (8 + 8), "ternary": 64 * (16 + 8)}
    for weights, row in rows.items():
        for activations in ("int8", "sign"):
            low = binary.low_bit(made, weights=weights, activations=activations)
            small = binary.quantize(low, features(4))
            filters, grids = (signed, 7) if activations == "sign" else (depthwise, 11)
            assert small.size_bytes == stem + filters + 4 * row + head + 5 * grids
            assert small.sparse_size_bytes == small.size_bytes
            assert small.size_bytes < 0.6 * (
                quantization.quantize_network(made, features(4), weight_bits=8).size_bytes
            )


def test_faults_are_named(network):
    with pytest.raises(ValueError, match="weights is 'int4'; give binary or ternary"):
        binary.low_bit(network, weights="int4")
    with pytest.raises(ValueError, match="activations is 'bits'; give int8 or sign"):
        binary.train(network, (features(4), torch.zeros(4)), activations="bits")
    with pytest.raises(ValueError, match="no layer has low-bit weights"):
        binary.quantize(network, features(4))
    with pytest.raises(ValueError, match="weights is 'x'"):
        binary.low_bit_codes(torch.zeros(2, 2), "x")
