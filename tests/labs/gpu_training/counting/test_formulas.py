"""The closed forms against the network itself and against torch's own cutting."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training.counting import formulas
from labs.gpu_training.counting.jobs import Job
from labs.shared.transformer import SIZES, Transformer

SHAPES = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=3).map(tuple), max_size=5)


@pytest.mark.parametrize("name", sorted(SIZES))
def test_groups_are_the_parameters_of_the_network(name):
    with torch.device("meta"):
        model = Transformer(SIZES[name])
    root, *blocks = formulas.groups(SIZES[name])
    outside = [tuple(p.shape) for n, p in model.named_parameters() if not n.startswith("blocks")]
    assert sorted(root) == sorted(outside)
    assert [sorted(block) for block in blocks] == [
        sorted(tuple(p.shape) for p in block.parameters()) for block in model.blocks
    ]


@given(shapes=SHAPES, ranks=st.integers(1, 70))
def test_padding_is_what_the_first_piece_of_torch_makes_of_all(shapes, ranks):
    pieces = [torch.empty(shape, device="meta").chunk(ranks)[0].numel() for shape in shapes]
    assert formulas.elements(shapes, ranks=ranks) == ranks * sum(pieces)


@given(shapes=SHAPES, ranks=st.integers(1, 70))
def test_padding_adds_less_than_a_row_a_rank(shapes, ranks):
    plain, padded = formulas.elements(shapes), formulas.elements(shapes, ranks=ranks)
    assert plain <= padded <= plain + ranks * sum(formulas.elements([(1, *s[1:])]) for s in shapes)


@pytest.mark.parametrize("name", sorted(SIZES))
def test_fsdp2_sends_three_times_what_ddp_sends_where_rows_divide(name):
    size = SIZES[name]
    ddp, fsdp2 = (formulas.collectives(Job(s, size, 1)) for s in ("ddp", "fsdp2"))
    whole = ddp["all_reduce"][1]
    root = formulas.ELEMENT_BYTES * formulas.elements(formulas.groups(size)[0])
    assert sum(payload for _, payload in fsdp2.values()) == 3 * whole - root


def test_sharing_products_shares_all_but_what_is_replicated():
    size = SIZES["huge"]
    one, four = (formulas.counted(Job("tensor", size, n, tensor=n)) for n in (1, 4))
    root, block = formulas.groups(size)[:2]
    norms = [shape for shape in block if len(shape) == 1]
    whole = 4 * (formulas.elements(root) + size.layers * formulas.elements(norms))
    assert 4 * (four.parameter_bytes - whole) == one.parameter_bytes - whole
    assert one.flops / 4 < four.flops < one.flops
    assert one.activation_bytes / 4 < four.activation_bytes < one.activation_bytes
