"""What the counter sees of products, attention and collectives."""

import pytest
import torch
from torch.nn import functional

from labs.gpu_training.counting import collectives


def test_a_linear_layer_counts_two_operations_a_weight_and_row_and_four_backward():
    layer, x = torch.nn.Linear(7, 5, bias=False), torch.zeros(3, 7, requires_grad=True)
    with collectives.Counter() as counter:
        torch.autograd.backward(layer(x).sum())
    assert counter.tally.flops == 6 * 7 * 5 * 3
    assert counter.tally.calls == {}


def test_attention_counts_two_products_forward_and_five_backward():
    q, k, v = (torch.zeros(2, 3, 4, 8, requires_grad=True) for _ in range(3))
    with collectives.Counter() as counter:
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        forward = counter.tally.flops
        torch.autograd.backward(out.sum())
    product = 2 * 2 * 3 * 4 * 4 * 8
    assert forward == 2 * product
    assert counter.tally.flops == 7 * product


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        ("allreduce_", "all_reduce"),
        ("all_reduce_coalesced_", "all_reduce"),
        ("_allgather_base_", "all_gather"),
        ("all_gather_into_tensor", "all_gather"),
        ("_reduce_scatter_base_", "reduce_scatter"),
        ("reduce_scatter_tensor_coalesced", "reduce_scatter"),
        ("alltoall_base_", "all_to_all"),
        ("broadcast_", "broadcast"),
        ("send", "send"),
        ("something_new_", "something_new"),
    ],
)
def test_names_of_torch_become_plain_ones(operator, name):
    assert collectives.plain_name(operator) == name
