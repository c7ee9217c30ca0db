import numpy as np
import pytest
import torch
from torch import nn

from labs.gpu_training import images


def test_the_network_has_no_statistics_of_the_batch():
    model = images.network(0)
    assert not list(model.buffers())
    assert not any(isinstance(each, nn.BatchNorm2d) for each in model.modules())
    x, _ = images.digits()
    with torch.no_grad():
        together, alone = model(x[:5]), torch.cat([model(x[k : k + 1]) for k in range(5)])
    # float32, sums of up to 64 x 9 products in another order
    assert torch.allclose(together, alone, atol=1e-5)


def test_training_is_a_matter_of_its_arguments():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, second = (images.train("SGD", batch=8, steps=2, seed=3) for _ in range(2))
    assert first.loss == second.loss
    assert torch.equal(first.weights[1], second.weights[1])
    assert torch.equal(torch.get_rng_state(), state)


def test_every_image_is_seen_once_before_one_is_seen_again():
    order = images._order(100, 250, 0).numpy()
    assert sorted(order[:100]) == sorted(order[100:200]) == list(range(100))
    assert not np.array_equal(order[:100], order[100:200])
    assert len(order) == 250


def test_a_batch_once_as_large_ends_at_the_same_place():
    (row,) = images.distances("AdamW", times=1, factors=[1], steps=3, seed=0)
    assert (row["travelled"], row["apart"]) == (1.0, 0.0)
    assert row["loss"] == row["small_loss"]


def test_linear_scaling_suits_sgd_and_takes_adamw_too_far():
    """Without rounding and curvature SGD would travel 1 and AdamW up to the factor."""
    setting = {"times": 4, "factors": [2, 4], "steps": 24, "seed": 0}
    sgd, adamw = (images.distances(name, **setting) for name in ("SGD", "AdamW"))
    assert sgd[1]["apart"] < sgd[0]["apart"]
    assert adamw[0]["apart"] < adamw[1]["apart"]
    assert sgd[1]["travelled"] == pytest.approx(1, abs=0.2)
    assert adamw[1]["travelled"] > 1.25
