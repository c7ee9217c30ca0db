"""Counting: products and layers that no rule knows are refused, however they are written."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_utils.counting import count
from course_utils.errors import MeasurementError


def oracle_macs(model, *inputs):
    """PyTorch's count of floating-point operations; two make a MAC."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(*inputs)
    return counter.get_total_flops() // 2


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x * self.factor


def test_an_unknown_layer_with_weights_is_named():
    with pytest.raises(MeasurementError, match=r"layer 1, a Scale with weights; give a rule"):
        count(nn.Sequential(nn.Linear(2, 2), Scale()), torch.zeros(1, 2))


def test_a_rule_makes_it_known():
    counts = count(Scale(), torch.zeros(1, 7), rules={Scale: lambda _, x, out: out[0].numel()})
    assert (counts.params, counts.macs, counts.layers[0].kind) == (1, 7, "Scale")


def test_a_recurrent_layer_is_refused():
    with pytest.raises(MeasurementError, match="a LSTM with weights"):
        count(nn.LSTM(2, 3), torch.zeros(4, 1, 2))


class Hidden(nn.Module):
    """Multiplies where no hook sees it."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.weight = nn.Parameter(torch.zeros(4, 3))

    def forward(self, x):
        return self.inner(x) @ self.weight


def test_a_product_outside_the_layers_is_refused():
    with pytest.raises(MeasurementError, match=r"matmul runs in a forward method, where no rule"):
        count(Hidden(), torch.zeros(1, 4))


PRODUCTS = {
    "operator": lambda x: x @ x,
    "reflected": lambda x: x.__rmatmul__(x),
    "method": lambda x: x.mm(x),
    "function": lambda x: torch.matmul(x, x),
    "einsum": lambda x: torch.einsum("ij,jk->ik", x, x),
    "linear": lambda x: nn.functional.linear(x, x),
    "convolution": lambda x: nn.functional.conv2d(x[None, None], x[None, None]),
    "attention": lambda x: nn.functional.scaled_dot_product_attention(x, x, x),
    "fused": lambda x: torch.addmm(x, x, x),
    "batched": lambda x: torch.bmm(x[None], x[None]),
    "tensordot": lambda x: torch.tensordot(x, x, 1),
    "multi_dot": lambda x: torch.linalg.multi_dot([x, x]),
    "below": lambda x: torch.ops.aten.mm(x, x),
    "overload": lambda x: torch.ops.aten.mm.default(x, x),
}


class Calling(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.norm = nn.LayerNorm(4)

    def forward(self, x):
        return self.function(self.norm(x))


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_is_refused_however_it_is_written(name):
    assert oracle_macs(Calling(PRODUCTS[name]), torch.zeros(4, 4)) > 0
    with pytest.raises(MeasurementError, match="where no rule counts"):
        count(Calling(PRODUCTS[name]), torch.zeros(4, 4))


def test_a_product_in_a_module_without_weights_is_refused():
    with pytest.raises(MeasurementError, match="mm runs in a forward method"):
        count(nn.Sequential(nn.Linear(4, 4), Product()), torch.zeros(4, 4))


class Product(nn.Module):
    def forward(self, x):
        return x.mm(x)


def test_sums_and_elementwise_products_are_no_products():
    counts = count(Calling(lambda x: x * x + x.softmax(-1).mean()), torch.zeros(4, 4))
    assert counts.macs == 2 * 16


def test_a_rule_counts_a_module_with_all_in_it():
    rules = {Hidden: lambda module, inputs, outputs: inputs[0].shape[0] * (16 + 12)}
    counts = count(nn.Sequential(Hidden(), nn.Linear(3, 1)), torch.zeros(2, 4), rules=rules)
    assert counts.macs == 2 * 28 + 2 * 3
    assert counts.params == 20 + 12 + 4
    assert len(counts.layers) == 2


class Nested(nn.Module):
    def forward(self, inputs, *, note):
        return {"sum": inputs["a"] + inputs["b"], "note": note}


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Nested()

    def forward(self, a, b):
        return self.inner({"a": a, "b": [b][0]}, note="text")["sum"]


def test_nested_arguments_and_several_inputs():
    counts = count(Outer(), (torch.zeros(3), torch.zeros(3)))
    assert counts.bytes_moved == 9 * 4
