"""The network in few bits, against integer arithmetic, by hand, and its limits."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from labs.mcu_compression import quantization, training
from labs.mcu_compression.affine import Grid
from labs.mcu_compression.folding import FoldedNetwork, fold
from labs.shared.networks import ds_cnn


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def network():
    """Return a small DS-CNN whose normalisation has seen data, in eval mode."""
    made = ds_cnn(width=0.25, seed=3)
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(5):
            made(2 * torch.randn(32, 1, 49, 10, generator=generator))
    for name, parameter in made.named_parameters():
        if name.endswith("bias"):
            with torch.no_grad():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return made.eval()


def features_of(n, seed=1):
    return 2 * torch.randn(n, 1, 49, 10, generator=torch.Generator().manual_seed(seed))


def integers(layers, codes):
    """Run whole numbers alone: int64 sums, rescaled in float64; yields the codes of each layer.

    Written from the definition, without torch's convolution: windows are cut out and multiplied.
    """
    for layer in layers:
        codes = codes - layer.input.zero_point
        if layer.is_pooled:
            codes = np.rint(codes.mean((2, 3))).astype(np.int64)  # on the grid of its input
        if layer.kind == "linear":
            sums = codes @ layer.weight_codes.astype(np.int64).T + layer.bias_codes
            scales = layer.weight_scales.astype(np.float64)
        else:
            left, right, top, bottom = layer.padding
            padded = np.pad(codes, ((0, 0), (0, 0), (top, bottom), (left, right)))
            weights = layer.weight_codes.astype(np.int64)
            windows = np.lib.stride_tricks.sliding_window_view(padded, weights.shape[2:], (2, 3))
            windows = windows[:, :, :: layer.stride[0], :: layer.stride[1]]
            per_group = len(weights) // layer.groups
            sums = np.concatenate(
                [
                    np.einsum(
                        "nchwij,ocij->nohw",
                        windows[:, g * weights.shape[1] : (g + 1) * weights.shape[1]],
                        weights[g * per_group : (g + 1) * per_group],
                    )
                    for g in range(layer.groups)
                ],
                axis=1,
            )
            sums = sums + layer.bias_codes[:, None, None]
            scales = layer.weight_scales.astype(np.float64)[:, None, None]
        assert np.abs(sums).max() < 2**30
        factor = layer.input.scale * scales / layer.output.scale
        codes = np.rint(sums * factor) + layer.output.zero_point
        codes = np.clip(codes, layer.output.lowest, layer.output.highest).astype(np.int64)
        yield layer.name, codes


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_the_simulation_equals_integer_arithmetic_layer_by_layer(network, bits):
    """Each layer, started from the simulation's own codes, agrees to one code."""
    small = quantization.quantize_network(network, features_of(40), weight_bits=bits)
    x = features_of(6, seed=7)
    with torch.no_grad():
        values = small.values(x)
    before = {}
    names = list(values)
    for name, value in values.items():
        grid = small.grids.get(name) or small.grids[names[names.index(name) - 1]]
        before[name] = np.rint(value.numpy().astype(np.float64) / grid.scale).astype(np.int64)
        before[name] += grid.zero_point
    for layer in small.codes():
        place = names.index(layer.name) - 1 - layer.is_pooled
        (_, codes), *_ = integers([layer], before[names[place]])
        off = np.abs(codes - before[layer.name])
        assert off.max() <= 1, layer.name
        assert (off > 0).mean() < 0.01, layer.name  # ties that float32 breaks the other way


def test_the_whole_chain_in_integers_answers_alike(network):
    small = quantization.quantize_network(network, features_of(40), weight_bits=8)
    x = features_of(30, seed=8)
    grid = small.grids["input"]
    *_, (_, codes) = integers(small.codes(), grid.codes(x.numpy()))
    with torch.no_grad():
        last = small.grids["linear 1"]
        want = last.codes(small(x).numpy())
    assert np.abs(codes - want).max() <= 2  # a code of one layer moves the next ones a little
    assert (codes.argmax(1) == want.argmax(1)).mean() >= 0.9


def test_more_bits_come_closer_to_float32(network):
    x = features_of(50, seed=5)
    scores = training.logits(network, x)
    off = []
    for bits in (8, 6, 4, 2):
        small = quantization.quantize_network(network, features_of(60), weight_bits=bits)
        off.append(float((training.logits(small, x) - scores).square().mean().sqrt()))
    assert off == sorted(off)
    assert off[0] < 0.05 * float(scores.std())


def test_codes_are_in_range_and_say_what_the_device_needs(network):
    small = quantization.quantize_network(network, features_of(20), weight_bits=4)
    layers = small.codes()
    assert [layer.kind for layer in layers] == ["conv", *["depthwise", "pointwise"] * 4, "linear"]
    assert [layer.is_pooled for layer in layers] == [False] * 9 + [True]
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        assert layer.weight_codes.dtype == np.int8
        assert np.abs(layer.weight_codes).reshape(len(layer.weight_codes), -1).max(1).tolist() == [
            7
        ] * len(layer.weight_codes)
        assert layer.bias_codes.dtype == np.int32
        assert layer.weight_scales.dtype == np.float32
        assert following is None or following.input == layer.output
        assert layer.output.zero_point == -128 or not layer.has_relu
    assert layers[0].padding == (1, 1, 4, 5)
    assert layers[1].padding == (1, 1, 1, 1)
    assert (layers[0].stride, layers[1].groups) == ((2, 2), 16)


def test_bytes_by_hand():
    """Width 1: 22,016 weights, 588 output channels of 10 layers, 11 grids."""
    made = ds_cnn().eval()
    for bits, weights in ((8, 22_016), (4, 11_008), (2, 5_504)):
        small = quantization.quantize_network(made, features_of(4), weight_bits=bits)
        assert small.size_bytes == weights + 588 * 4 + 588 * 4 + 11 * (4 + 1)


def test_a_channel_with_tiny_weights_keeps_a_bias_that_fits(network):
    folded = fold(network)
    with torch.no_grad():
        folded.layers["pointwise 1"].weight[0] *= 1e-12
        folded.layers["pointwise 2"].weight[1] = 0
    small = quantization.quantize_network(folded, features_of(20), weight_bits=8)
    for layer in small.codes():
        most = np.abs(layer.bias_codes.astype(np.int64)).max()
        assert most <= quantization.BIAS_LIMIT * (1 + 2**-22)  # scales are float32
        assert (layer.weight_scales > 0).all()


def test_gradients_pass_straight_through_and_scales_follow_the_weights(network):
    small = quantization.quantize_network(network, features_of(20), weight_bits=2)
    small(features_of(4)).sum().backward()
    for name, parameter in small.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert sum(float(p.grad.abs().sum()) > 0 for p in small.parameters()) >= 15
    scales = small.codes()[1].weight_scales
    with torch.no_grad():
        small.folded.layers["depthwise 1"].weight *= 2
    assert small.codes()[1].weight_scales == pytest.approx(2 * scales)


def test_training_on_comes_closer_to_the_teacher_and_leaves_the_original(network):
    x = features_of(200, seed=11)
    small = quantization.quantize_network(network, x[:50], weight_bits=2)
    before = copy.deepcopy(small.state_dict())
    how = training.Settings(epochs=3, batch=20, learning_rate=2e-3)
    tuned = quantization.retrain(small, network, features=x, settings=how)
    teacher = training.logits(network, x)

    def off(net):
        return float((training.logits(net, x) - teacher).square().mean())

    assert off(tuned) < off(small)
    assert all(torch.equal(before[k], v) for k, v in small.state_dict().items())
    again = quantization.retrain(small, network, features=x, settings=how)
    assert torch.equal(training.logits(again, x), training.logits(tuned, x))


def test_folding_changes_nothing(network):
    folded = fold(network)
    x = features_of(20, seed=2)
    want = training.logits(network, x)
    # Float32 sums in another order, through ten layers.
    assert torch.allclose(training.logits(folded, x), want, atol=1e-4 * float(want.abs().max()))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    assert list(folded.layers)[:3] == ["conv 1", "depthwise 1", "pointwise 1"]


def test_a_function_that_folds_wrongly_is_noticed(network):
    def without_eps_and_mean(weight, bias, norm):
        factor = norm["gamma"] / norm["variance"].sqrt()
        return weight * factor[:, None, None, None], bias * factor + norm["beta"]

    with pytest.raises(ValueError, match="check the function that folds"):
        fold(network, without_eps_and_mean)


def test_what_cannot_be_folded_is_named(network):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)
            self.act = nn.GELU()

        def forward(self, x):
            return self.act(self.conv(x)).mean((2, 3))

    with pytest.raises(ValueError, match="act is a GELU"):
        fold(Odd())


@pytest.mark.parametrize("bits", [1, 9])
def test_weight_bits_outside_the_lab_are_refused(network, bits):
    with pytest.raises(ValueError, match=f"bits is {bits}"):
        quantization.quantize_network(network, features_of(2), weight_bits=bits)


def test_calibration_takes_percentiles(network):
    folded = fold(network)
    whole = quantization.calibrate(folded, features_of(50))
    most = quantization.calibrate(folded, features_of(50), percent=99.0)
    assert list(whole) == ["input", *folded.layers]
    assert all(most[name].scale < whole[name].scale for name in whole)
    assert isinstance(folded, FoldedNetwork)


@settings(max_examples=50, deadline=None)
@given(
    x=st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=30),
    low=st.floats(-10, -0.1),
    high=st.floats(0.1, 10),
    bits=st.integers(2, 8),
)
def test_the_grid_and_torch_round_alike(x, low, high, bits):
    """Up to ties, which float32 may break the other way: then the error is half a step both."""
    grid = Grid.spanning(low, high, bits=bits)
    ours = grid.restore(grid.codes(np.array(x)))
    theirs = torch.fake_quantize_per_tensor_affine(
        torch.tensor(x), grid.scale, grid.zero_point, grid.lowest, grid.highest
    ).numpy()
    apart = np.abs(ours - theirs) > 1e-4 * grid.scale
    exact = np.array(x) / grid.scale
    assert (np.abs(exact - np.floor(exact) - 0.5)[apart] < 1e-4).all()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rounding_without_gradients_is_the_operators(bits):
    generator = torch.Generator().manual_seed(bits)
    for low, high in ((0.0, 5.0), (-1.3, 0.2), (-2.0, 7.1)):
        grid = Grid.spanning(low, high, bits=bits)
        ties = (torch.arange(-20, 20) + 0.5) * grid.scale
        x = torch.cat([4 * torch.randn(500, generator=generator), ties])
        with torch.no_grad():
            got = quantization.torch_fake_quantize(x, grid)
        want = quantization.torch_fake_quantize(x.requires_grad_(), grid)
        assert torch.equal(got, want.detach())
