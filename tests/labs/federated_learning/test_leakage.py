"""What a message holds of a sample, against gradients worked out by automatic differentiation."""

import numpy as np
import pytest
import torch
from torch import nn

from labs.federated_learning import leakage, tasks
from labs.federated_learning.given.private import reconstruct

Floats = leakage.Floats
# The float32 gradient of a row is a rounded product, the given least squares are of float64.
ROUNDING = 1e-6


@pytest.fixture(scope="module")
def digits() -> tasks.Task:
    return tasks.load("digits")


def test_the_gradient_is_that_of_autograd(digits: tasks.Task) -> None:
    victim = leakage.victim(digits, seed=3)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    nn.utils.vector_to_parameters(victim.weights.clone(), model.parameters())
    x, y = digits.x[:5], digits.y[:5]
    torch.autograd.backward(nn.functional.cross_entropy(model(x), y))
    want = torch.cat([p.grad.reshape(-1) for p in model.parameters() if p.grad is not None])
    found = victim.gradient(x, y)
    torch.testing.assert_close(found, want)
    weight, bias = victim.first_layer(found)
    assert (weight.shape, bias.shape) == ((64, 64), (64,))
    first = next(model.parameters()).grad
    assert first is not None
    torch.testing.assert_close(torch.from_numpy(weight), first)


def test_one_sample_comes_back_and_a_batch_does_not(digits: tasks.Task) -> None:
    found = leakage.by_batch(reconstruct, digits, sizes=(1, 16), draws=5, seed=0)
    assert max(found[1]) < ROUNDING
    # 16 digits hide each other: the error is at least a twentieth of the range of a pixel.
    assert min(found[16]) > 0.05


def test_which_messages_give_the_sample_away(digits: tasks.Task) -> None:
    found = leakage.by_message(reconstruct, digits, draws=5, seed=0)
    worst = {name: max(each) for name, each in found.items()}
    best = {name: min(each) for name, each in found.items()}
    for name in ("gradient of one sample", "the same, clipped", "5 steps on one sample"):
        assert worst[name] < 10 * ROUNDING, name
    for name in ("5 steps, 5 samples", "clipped, with noise", "secure sum of 10 clients"):
        assert best[name] > 0.02, name


def test_the_same_seed_gives_the_same_errors(digits: tasks.Task) -> None:
    one, other = (leakage.by_message(reconstruct, digits, draws=2, seed=seed) for seed in (4, 4))
    assert one == other


def test_the_error_is_that_to_the_nearest_sample() -> None:
    samples = torch.tensor([[[0.0, 0.0]], [[1.0, 1.0]]])
    assert leakage.error(np.array([0.5, 1.0]), samples) == pytest.approx(np.sqrt(0.125))
    assert leakage.error(np.array([1.0, 1.0]), samples) == 0
