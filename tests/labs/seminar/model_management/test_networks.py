"""The networks, and the published and derived savings of an update with a new last layer."""

import pytest
import torch

from labs.seminar.model_management import given, networks, states

# Parameters as torchvision lists them; buffers are counted in the state.
PARAMETERS = {"resnet18": 11_689_512, "resnet50": 25_557_032, "mobilenet_v2": 3_504_872}

# 95.6 %: "up to 95.6 % storage" of parameter updates, abstract of Strassenburg, Tolovski, Rabl,
# Efficiently Managing Deep Learning Models in a Distributed Environment, EDBT 2022. That it is a
# ResNet-18 with a new last layer, and the other two numbers, are derived from the shapes.
SAVINGS = {"resnet18": 0.956, "resnet50": 0.920, "mobilenet_v2": 0.638}


def shapes(name):
    state = states.state_of(networks.build(name, seed=0))
    return state, [(n, a.dtype.name, a.shape) for n, a in state.items()]


@pytest.mark.parametrize("name", SAVINGS)
def test_published_savings(name):
    model = networks.build(name, seed=0)
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name]
    _, tensors = shapes(name)
    # Published to three digits.
    assert round(given.update_saving(tensors, [networks.HEADS[name]]), 3) == SAVINGS[name]


def test_parameters_alone_do_not_give_the_number_of_a_mobilenet():
    state, tensors = shapes("mobilenet_v2")
    parameters = dict(networks.build("mobilenet_v2", seed=0).named_parameters())
    alone = [entry for entry in tensors if entry[0] in parameters]
    assert len(alone) < len(state)
    assert round(given.update_saving(alone, ["classifier.1"]), 3) == 0.635


@pytest.mark.parametrize("name", ["digits", "resnet18"])
def test_a_new_head_changes_the_head_alone(name):
    model = networks.build(name, seed=0)
    before = states.layers_of(states.state_of(model))
    after = states.layers_of(states.state_of(networks.new_head(model, name, seed=1)))
    changed = [layer for layer in before if not states.is_same(before[layer], after[layer])]
    assert changed == [networks.HEADS[name]]


def test_seeds_give_the_weights_and_leave_the_global_state_alone():
    before = torch.random.get_rng_state()
    one, two, other = (states.state_of(networks.build("digits", seed=s)) for s in (1, 1, 2))
    assert states.is_same(one, two)
    assert not states.is_same(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_unknown_networks_are_named():
    with pytest.raises(ValueError, match="network is 'vgg'; this lab knows resnet18"):
        networks.build("vgg", seed=0)
