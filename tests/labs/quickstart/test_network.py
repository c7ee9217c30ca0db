"""The network of the quickstart and its training."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.quickstart import network


@given(width=st.integers(1, 12))
@settings(max_examples=8, deadline=None)
def test_parameters_follow_the_formula_of_the_lab(width):
    model = network.DigitsNet(width=width)
    # 9 weights a kernel and one bias an output channel; the second layer has 2 w kernels of w
    # channels; the linear layer sees 2 w channels of 2 x 2 places.
    by_hand = (9 * width + width) + (2 * width * width * 9 + 2 * width) + (8 * width * 10 + 10)
    assert sum(p.numel() for p in model.parameters()) == by_hand


def test_a_seed_gives_the_same_weights_and_leaves_the_global_state_alone():
    before = torch.random.get_rng_state()
    one, two, other = (network.DigitsNet(seed=seed).conv1.weight for seed in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


def bars() -> tuple[torch.Tensor, torch.Tensor]:
    """Sixty pictures that a network must be able to tell apart: class c has row c % 8 lit."""
    labels = torch.arange(60) % 8
    images = torch.zeros(60, 1, 8, 8)
    images[torch.arange(60), 0, labels] = 1.0
    return images, labels


def test_training_learns_bars_and_is_repeatable():
    histories = []
    for _ in range(2):
        model = network.DigitsNet(seed=0)
        histories.append(list(network.train(model, bars(), watch=bars(), epochs=60, seed=0)))
    first, second = histories
    assert first == second
    assert first[-1].correct == first[-1].n == 60
    assert first[-1].loss < first[0].loss
    assert [epoch.number for epoch in first] == list(range(1, 61))


def test_values_that_make_no_network_are_named():
    with pytest.raises(ValueError, match="width is 0"):
        network.DigitsNet(width=0)
    with pytest.raises(ValueError, match="epochs is 0"):
        list(network.train(network.DigitsNet(), bars(), watch=bars(), epochs=0))


def test_is_right_agrees_with_a_loop():
    images, labels = bars()
    model = network.DigitsNet(seed=1)
    loop = [int(model(x[None]).argmax()) == int(y) for x, y in zip(images, labels, strict=True)]
    assert network.is_right(model, (images, labels)).tolist() == loop
