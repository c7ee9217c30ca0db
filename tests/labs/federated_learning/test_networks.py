"""Flat weights there and back, against torch's own modules, alone and for many clients at once."""

import pytest
import torch
from torch import nn
from torch.func import vmap

from labs.federated_learning import networks
from labs.federated_learning.networks import Network

NETWORKS = {
    "digits": (networks.image_network((8, 8), classes=10), (8, 8)),
    "flat": (networks.image_network((64,), classes=10), (64,)),
    "images": (networks.image_network((1, 28, 28), classes=10), (1, 28, 28)),
    "keywords": (networks.keyword_network(classes=12), (1, 49, 10)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_what_the_module_holds(name):
    network, shape = NETWORKS[name]
    module, weights = network.build(), network.initial(3)
    assert weights.shape == (network.size,)
    assert network.size == sum(each.numel() for each in module.parameters())
    module.load_state_dict(network.state(weights))
    x = torch.randn(5, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network(weights, x), module(x))


def test_sizes_by_hand():
    assert NETWORKS["digits"][0].size == 64 * 64 + 64 + 64 * 10 + 10
    assert networks.image_network((64,), classes=3).size == 64 * 64 + 64 + 64 * 3 + 3


def test_flat_and_by_name_are_inverse_and_share_memory():
    network, _ = NETWORKS["images"]
    weights = network.initial(0)
    state = network.state(weights)
    assert torch.equal(network.flat(state), weights)
    next(iter(state.values())).zero_()
    assert not torch.equal(weights, network.initial(0))


def test_a_seed_says_everything_and_torchs_own_state_stays():
    network, _ = NETWORKS["digits"]
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    assert torch.equal(network.initial(5), network.initial(5))
    assert not torch.equal(network.initial(5), network.initial(6))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", NETWORKS)
def test_many_clients_at_once_compute_what_each_would(name):
    network, shape = NETWORKS[name]
    weights = torch.stack([network.initial(seed) for seed in range(3)])
    x = torch.randn(3, 4, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together = vmap(network)(weights, x)
        each = torch.stack([network(w, one) for w, one in zip(weights, x, strict=True)])
    # Sums of some hundred products of about 1, in another order.
    torch.testing.assert_close(together, each, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["images", "keywords"])
def test_a_sample_does_not_depend_on_its_batch(name):
    network, shape = NETWORKS[name]
    module = network.build()
    assert not any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in module.modules())
    assert not list(module.buffers())  # nothing that would travel apart from the weights
    weights = network.initial(0)
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(
            network(weights, x)[:1], network(weights, x[:1]), rtol=1e-4, atol=1e-5
        )


def test_any_module_will_do():
    network = Network(lambda: nn.Linear(3, 2, bias=False))
    assert network(torch.arange(6.0), torch.ones(1, 3)).tolist() == [[3.0, 12.0]]
