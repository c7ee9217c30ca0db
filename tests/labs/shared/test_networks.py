"""Networks: shapes, published sizes, and weights that depend on the seed alone."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from labs.shared.networks import KEYWORD_SHAPE, ds_cnn, seeded


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_published_size_of_the_trainable_network():
    # Convolution 10 x 4, four blocks of 3 x 3 and 1 x 1, linear; 9 normalisations of 2 x 64.
    stem, block, head = 64 * 40 + 64, (64 * 9 + 64) + (64 * 64 + 64), 64 * 12 + 12
    assert stem + 4 * block + head == 22_604
    assert weights(ds_cnn()).numel() == 22_604 + 9 * 2 * 64 == 23_756


def test_the_feature_maps_are_25_by_5():
    model, x = ds_cnn(), torch.zeros(3, *KEYWORD_SHAPE)
    assert model.stem(x).shape == model.blocks(model.stem(x)).shape == (3, 64, 25, 5)
    assert model(x).shape == (3, 12)


def test_the_stem_pads_as_tensorflow_does():
    """ "same" for stride 2: ceil(n / 2) outputs, and the odd row of padding at the end."""
    pad = ds_cnn().stem[0].padding
    for size, kernel, before, after in ((10, 4, *pad[:2]), (49, 10, *pad[2:])):
        total = max((math.ceil(size / 2) - 1) * 2 + kernel - size, 0)
        assert (before, after) == (total // 2, total - total // 2)


def test_a_block_is_what_its_sum_says():
    """Oracle: the first block written out as sums over windows and channels."""
    model = ds_cnn(width=0.05).eval()
    x = torch.rand(1, 3, 25, 5, generator=torch.Generator().manual_seed(0))
    depthwise, pointwise = model.blocks[0][0], model.blocks[0][3]
    padded = functional.pad(x, (1, 1, 1, 1))
    filtered = depthwise.bias[:, None, None].expand(3, 25, 5).clone()
    for row in range(3):
        for column in range(3):
            window = padded[0, :, row : row + 25, column : column + 5]
            filtered += depthwise.weight[:, 0, row, column, None, None] * window
    # Untrained normalisation in evaluation: mean 0, variance 1, and its epsilon of 1e-5.
    filtered = (filtered / math.sqrt(1 + 1e-5)).relu()
    mixed = torch.einsum("oi,ihw->ohw", pointwise.weight[:, :, 0, 0], filtered)
    mixed = mixed + pointwise.bias[:, None, None]
    expected = (mixed / math.sqrt(1 + 1e-5)).relu()
    # Sums of at most 12 products of numbers below 1: float32 rounds by less than 12 x 6e-8.
    torch.testing.assert_close(model.blocks[0](x)[0], expected, rtol=0, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(width=st.floats(0.01, 1.5), classes=st.integers(1, 20))
def test_width_multiplies_the_channels(width, classes):
    model = ds_cnn(width=width, classes=classes)
    channels = max(1, round(64 * width))
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 9
    assert {m.out_channels for m in convolutions} == {channels}
    assert model.eval()(torch.zeros(1, *KEYWORD_SHAPE)).shape == (1, classes)


@pytest.mark.parametrize(
    "wrong",
    [{"classes": 0}, {"width": 0.0}, {"width": -1}, {"width": math.nan}, {"width": math.inf}],
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="give classes >= 1 and width > 0"):
        ds_cnn(**wrong)


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(1)
    first = weights(ds_cnn(seed=3))
    torch.rand(5)
    assert torch.equal(first, weights(ds_cnn(seed=3)))
    assert not torch.equal(first, weights(ds_cnn(seed=4)))


def test_the_global_random_state_is_left_as_it_was():
    before = torch.get_rng_state()
    ds_cnn(seed=9)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_gpu_is_not_seeded(monkeypatch):
    seeded_gpus = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded_gpus.append)
    monkeypatch.setattr(torch.cuda, "manual_seed", seeded_gpus.append)
    ds_cnn(seed=9)
    assert seeded_gpus == []


def test_the_random_state_comes_back_after_an_error():
    def failing():
        torch.rand(3)
        raise RuntimeError("in the middle")

    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="in the middle"), seeded(1):
        failing()
    assert torch.equal(torch.get_rng_state(), before)


def test_another_default_device_changes_nothing():
    with torch.device("meta"):
        model = ds_cnn()
    assert torch.equal(weights(model), weights(ds_cnn()))


def test_it_learns():
    """Thirty steps on eight random pictures bring the loss down; gradients reach every weight."""
    random = torch.Generator().manual_seed(0)
    x, y = torch.randn(8, *KEYWORD_SHAPE, generator=random), torch.arange(8)
    with seeded(0):  # dropout draws from the global state
        model = ds_cnn(width=0.25)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        losses = []
        for _ in range(30):
            loss = functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    assert all(p.grad is not None for p in model.parameters())
