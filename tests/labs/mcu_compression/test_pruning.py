"""Masks, bytes and scans: counted by hand, and against plain NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from labs.mcu_compression import pruning, training
from labs.mcu_compression.given import magnitude_mask, shrink_groups, strongest_channels
from labs.shared.networks import KEYWORD_SHAPE, ds_cnn


def examples(n: int = 20) -> training.Examples:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(n, *KEYWORD_SHAPE, generator=rng), torch.arange(n) % 12


def test_masked_weights_are_zero_and_the_others_stay() -> None:
    network = ds_cnn(width=0.25).eval()
    masks = pruning.layer_masks(network, magnitude_mask, sparsity=0.5)
    sparse = pruning.masked(network, masks)
    whole, part = pruning.weights_of(network), pruning.weights_of(sparse)
    assert masks.keys() == whole.keys()
    for name, mask in masks.items():
        assert torch.equal(part[name][mask], whole[name][mask])
        assert not part[name][~mask].any()
        assert int(mask.sum()) == round(0.5 * mask.numel())
    assert pruning.nonzero_share(sparse) == pytest.approx(0.5, abs=0.01)
    assert pruning.nonzero_share(network) == 1.0


def test_one_layer_alone() -> None:
    network = ds_cnn(width=0.25)
    masks = pruning.layer_masks(network, magnitude_mask, sparsity={"blocks.1.3": 0.75})
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"blocks.1.3": 64}


def test_the_mask_holds_while_tuning_and_is_lost_without_it() -> None:
    network = ds_cnn(width=0.25)
    masks = pruning.layer_masks(network, magnitude_mask, sparsity=0.7)
    short = training.Settings(epochs=1, batch=10)
    held, free = pruning.masked(network, masks), pruning.masked(network, masks)
    training.tune(held, examples(), settings=short, after_step=pruning.keep_at_zero(masks))
    training.tune(free, examples(), settings=short)
    assert pruning.nonzero_share(held) <= pruning.nonzero_share(pruning.masked(network, masks))
    assert pruning.nonzero_share(free) > 0.9


def layer(*values: float) -> nn.Module:
    """Return a network of one layer with these weights, in one row."""
    linear = nn.Linear(len(values), 1)
    linear.weight.data = torch.tensor([values])
    return nn.Sequential(linear)


def test_bytes_by_hand() -> None:
    network = layer(*[0.0] * 12, 1.0, 0.0, -2.0, 3.0)  # 16 places, 3 not 0; scale and bias: 8 B
    assert pruning.dense_bytes(network) == 16 + 8
    assert pruning.sparse_bytes(network) == 3 + 16 // 8 + 8
    assert pruning.sparse_bytes(network, bits=4) == 2 + 2 + 8  # 12 bits fill 2 bytes
    assert pruning.listed_bytes(network) == 5 + 8  # 3 x 12 bits


@pytest.mark.parametrize(("zeros", "entries"), [(0, 1), (15, 1), (16, 2), (31, 2), (32, 3)])
def test_long_gaps_cost_further_entries(zeros: int, entries: int) -> None:
    network = layer(*[0.0] * zeros, 1.0)
    assert pruning.listed_bytes(network) == -(-entries * 12 // 8) + 8


def test_a_bitmap_pays_from_an_eighth_of_zeros_on() -> None:
    shares = np.linspace(0, 0.5, 51)
    curves = pruning.size_curves(ds_cnn(), magnitude_mask, shares=shares)
    # n / 8 bytes of bitmap against one byte a zero; a layer's mask is rounded to whole bytes.
    assert pruning.pays_from(curves, "bitmap") == pytest.approx(1 / 8, abs=0.011)
    assert pruning.pays_from({"dense": curves["dense"], "x": curves["dense"]}, "x") == 1.0


def test_scan_equals_pruning_by_hand() -> None:
    network = ds_cnn(width=0.25).eval()
    watched = examples()
    found = pruning.scan(network, magnitude_mask, examples=watched, levels=(0.0, 0.9))
    assert list(found) == list(pruning.weights_of(network))
    whole = training.is_right(network, watched).numpy()
    assert all((hits[0] == whole).all() for hits in found.values())
    name = "blocks.2.3"
    alone = pruning.masked(
        network, pruning.layer_masks(network, magnitude_mask, sparsity={name: 0.9})
    )
    assert (found[name][1] == training.is_right(alone, watched).numpy()).all()


def test_faults_are_named() -> None:
    with pytest.raises(ValueError, match=r"no layer 'stem\.9' here; there are stem\.1"):
        pruning.layer_masks(ds_cnn(), magnitude_mask, sparsity={"stem.9": 0.5})
    with pytest.raises(ValueError, match=r"sparsity of stem\.1 is 1\.5"):
        pruning.layer_masks(ds_cnn(), magnitude_mask, sparsity=1.5)


def test_given_functions_against_plain_numpy() -> None:
    rng = np.random.default_rng(0)
    for shape in ((40,), (6, 7), (5, 4, 3, 3)):
        weights = rng.normal(size=shape).astype(np.float32)
        mask = magnitude_mask(weights, 0.3)
        keep = round(0.7 * weights.size)
        assert mask.sum() == keep
        assert np.abs(weights)[mask].min() > np.abs(weights)[~mask].max(initial=0)
        if len(shape) == 1:
            continue
        norms = np.sqrt((weights.astype(float) ** 2).reshape(len(weights), -1).sum(1))
        assert strongest_channels(weights, 3).tolist() == np.sort(np.argsort(-norms)[:3]).tolist()
        threshold = float(np.median(norms))
        left = np.maximum(norms - threshold, 0) / norms
        want = weights * left.reshape(-1, *[1] * (len(shape) - 1))
        # torch.renorm adds 1e-7 to each norm; the rest is float32.
        assert np.allclose(shrink_groups(weights, threshold), want, atol=2e-6)
