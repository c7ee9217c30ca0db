"""The small network and its layers as arrays."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from labs.seminar.inference_performance import network


def bars(count: int = 80) -> network.Digits:
    """Pictures that a network must be able to tell apart: class c has row c lit."""
    labels = torch.arange(count) % 8
    images = torch.zeros(count, 1, 8, 8)
    images[torch.arange(count), 0, labels] = 1.0
    return images, labels


def test_training_learns_bars_and_repeats_its_bits():
    before = torch.random.get_rng_state()
    one, two = (network.trained(bars(), epochs=15, seed=1) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert network.is_right(one, bars()).all()
    assert network.logits_of(one, bars()[0].numpy()).dtype == np.float32


def test_layers_as_matrices_give_what_pytorch_gives():
    model = network.untrained(3).double()
    images = torch.rand(4, 1, 8, 8, dtype=torch.float64, generator=torch.manual_seed(0))
    values = images.numpy()
    first, second, last = network.layers_of(model)
    for layer in (first, second):
        sums = network.patches(values) @ layer.weights.T + layer.biases
        values = network.pooled(network.as_images(np.maximum(sums, 0)))
    found = values.reshape(4, -1) @ last.weights.T + last.biases
    # Sums of at most 72 products of numbers below 10 each, in double.
    assert found == pytest.approx(model(images).detach().numpy(), abs=1e-12)


def test_patches_are_those_of_unfold():
    images = torch.arange(2 * 3 * 16.0).reshape(2, 3, 4, 4)
    want = functional.unfold(images, 3, padding=1).transpose(1, 2).numpy()
    assert (network.patches(images.numpy()) == want).all()


def test_pixels_are_sixteenths():
    images = np.arange(64).reshape(1, 1, 8, 8) % 17 / np.float32(16)
    assert network.pixels_of(images)[0].tolist() == [i % 17 for i in range(64)]
    for wrong in (0.03, -1 / 16, 17 / 16, float("nan")):
        images[0, 0, 3, 3] = wrong
        with pytest.raises(ValueError, match="no sixteenth"):
            network.pixels_of(images)


def test_no_epoch_is_refused():
    with pytest.raises(ValueError, match="epochs is 0"):
        network.trained(bars(), epochs=0, seed=0)
