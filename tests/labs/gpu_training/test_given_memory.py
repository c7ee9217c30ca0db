"""The stand-ins of exercises 2.3 and 2.4, against other ways to the same numbers."""

import numpy as np
import pytest
import torch

from labs.gpu_training import small_networks
from labs.gpu_training.given.accumulation import accumulated_gradients
from labs.gpu_training.given.memory import activation_bytes, state_bytes

NUMBERS = torch.linspace(-1, 1, 24).view(4, 6)
CODES = torch.tensor([[0, 1, 2], [3, 4, 4]])
NETWORKS = {
    "chain": (small_networks.chain([6, 5, 4, 3]), NUMBERS),
    "used_twice": (small_networks.used_twice(6), NUMBERS),
    "used_in_part": (small_networks.used_in_part(6), NUMBERS),
    "masked": (small_networks.masked(6), NUMBERS),
    "in_double": (small_networks.in_double(6), NUMBERS.double()),
    "half_frozen": (small_networks.half_frozen(6), NUMBERS),
    "tied": (small_networks.tied(5, 7), CODES),
    "normalised": (small_networks.normalised(6), NUMBERS),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_keeps_what_hooks_see(name):
    model, x = NETWORKS[name]
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    saved = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(x)
    assert activation_bytes(model, x) == sum(saved[place] for place in saved.keys() - own)


def test_small_networks_follow_from_their_seed():
    one, two, other = (small_networks.chain([3, 2], seed=seed) for seed in (1, 1, 2))
    weights = [each.layers[0].weight for each in (one, two, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_states_of_optimisers():
    each = {
        ("float32", "sgd"): (4, 4, 0),
        ("float32", "momentum"): (4, 4, 4),
        ("float32", "adamw"): (4, 4, 8),
        ("mixed", "sgd"): (2, 2, 4),
        ("mixed", "momentum"): (2, 2, 8),
        ("mixed", "adamw"): (2, 2, 12),  # Rajbhandari and others (2020): 2 + 2 + 12
    }
    for (precision, optimizer), wanted in each.items():
        got = state_bytes(7, precision, optimizer=optimizer)
        names = ("weights", "gradients", "optimizer")
        assert tuple(got[name] for name in names) == tuple(7 * n for n in wanted)


@pytest.mark.parametrize(("precision", "optimizer"), [("float16", "sgd"), ("mixed", "adam")])
def test_unknown_names(precision, optimizer):
    with pytest.raises(ValueError, match=f"precision '{precision}' with optimizer '{optimizer}'"):
        state_bytes(7, precision, optimizer=optimizer)


def test_pieces_by_hand():
    """Nine targets of loss 1 and one of loss 3: 1.2, not 2; a piece of padding adds nothing."""
    y = np.full((3, 9), -100)
    y[0], y[2, 0] = 0, 1
    asked = []

    def gradient_of(codes, targets):
        asked.append(codes.shape)
        loss = 1.0 if (targets == 0).all() else 3.0
        return loss, [np.array([loss]), np.eye(2) * loss]

    loss, gradients = accumulated_gradients(gradient_of, (np.zeros_like(y), y), size=1)
    assert loss == pytest.approx(1.2)
    assert gradients[0] == pytest.approx(1.2)
    assert gradients[1] == pytest.approx(np.eye(2) * 1.2)
    assert asked == [(1, 9), (1, 9)]
