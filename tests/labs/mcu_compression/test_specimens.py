"""Networks to try a counter on: what they compute, and what the witness sees."""

import pytest
import torch

from course_utils import counting
from labs.mcu_compression import specimens
from labs.mcu_compression.given import count_layers

EXAMPLE = torch.zeros(2, 1, 5, 5)
STILL_THERE = "a hook was still there"


def complaint_after(use):
    use(specimens.witness(again=False))
    return specimens.witness(again=True).complaint


def run_quietly(network):
    modes = [(module, module.training) for module in network.modules()]
    with torch.no_grad():
        network.eval()(EXAMPLE)
    for module, mode in modes:
        module.training = mode


def test_a_witness_left_as_found_runs_again():
    assert complaint_after(run_quietly) == ""
    run_quietly(specimens.witness(again=True))


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda net: net.layer.register_forward_hook(lambda *_: None), STILL_THERE),
        (lambda net: net.norm.register_forward_pre_hook(lambda *_: None), STILL_THERE),
        (lambda net: setattr(net.layer, "forward", net.layer.forward), STILL_THERE),
        (lambda net: net.eval(), "the training mode was not as before"),
        (lambda net: net.train(), "the training mode was not as before"),
        (lambda net: torch.no_grad()(net)(EXAMPLE), "the count changed the batch normalisation"),
    ],
)
def test_a_witness_says_what_was_left(use, said):
    assert said in complaint_after(use)
    with pytest.raises(RuntimeError, match=said), torch.no_grad():
        specimens.witness(again=True)(EXAMPLE)


def test_a_witness_sees_a_hook_of_all_modules():
    handle = torch.nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        assert "a hook of all modules" in complaint_after(lambda net: net)
    finally:
        handle.remove()
    assert complaint_after(lambda net: net) == ""


def test_a_witness_refuses_gradients():
    with pytest.raises(RuntimeError, match=r"use torch\.no_grad"):
        specimens.witness(again=False)(EXAMPLE)


def test_a_detour_runs_in_another_order_than_it_is_written():
    network, example = specimens.detour(channels=3), torch.zeros(1, 1, 5, 8)
    rows = count_layers(network, example)
    assert [row["name"] for row in rows] == ["first", "twice", "twice", "last"]
    unused = network.never.weight.numel() + network.never.bias.numel()
    assert sum(row["params"] for row in rows) == counting.count(network, example).params - unused


def test_builders_give_the_same_network_each_time():
    for build in (specimens.detour, lambda channels: specimens.witness(again=False)):
        one, two = build(channels=2).state_dict(), build(channels=2).state_dict()
        assert all(torch.equal(one[name], two[name]) for name in one)
