"""Closed forms against networks that are really built, and shares that add up."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training.given.memory import activation_bytes
from labs.gpu_training.memory_accounts import (
    activation_bytes_of,
    loss_bytes_of,
    most_sequences,
    parameters_of,
    shared_out,
)
from labs.shared.transformer import SIZES, Size, Transformer, transformer

SHAPES = st.builds(
    lambda layers, heads, of_a_head, context: Size(layers, heads * of_a_head, heads, context),
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from([8, 16]),
    st.integers(2, 20),
)


@pytest.mark.parametrize("name", SIZES)
def test_parameters_of_every_size(name):
    with torch.device("meta"):
        model = Transformer(SIZES[name])
    assert parameters_of(SIZES[name]) == sum(p.numel() for p in model.parameters())


@given(size=SHAPES, batch=st.integers(1, 3))
def test_activations_are_those_of_the_graph(size, batch):
    model = Transformer(size)
    x = torch.zeros(batch, size.context, dtype=torch.int64)
    assert activation_bytes_of(size, batch=batch) == activation_bytes(model, x)


def test_the_loss_keeps_a_number_for_each_code():
    model, x = transformer("tiny"), torch.zeros(2, 64, dtype=torch.int64)
    logits = model(x).detach().requires_grad_()
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), x.flatten())
    kept = loss.grad_fn.next_functions[0][0]._saved_result
    assert kept.nbytes == loss_bytes_of(SIZES["tiny"], batch=2)


def test_mixed_precision_halves_features_alone():
    size = Size(layers=1, width=8, heads=2, context=1)
    whole, half = (activation_bytes_of(size, batch=1, precision=p) for p in ("float32", "mixed"))
    assert whole - half == 2 * (16 * 8 + 2 * 8)
    with pytest.raises(ValueError, match="precision is 'int8'; give one of float32, mixed"):
        activation_bytes_of(size, batch=1, precision="int8")


@given(sizes=st.lists(st.integers(0, 10**12), min_size=3, max_size=3), ranks=st.integers(1, 1024))
def test_shares_hold_everything(sizes, ranks):
    states = dict(zip(("weights", "gradients", "optimizer"), sizes, strict=True))
    stages = [shared_out(states, ranks=ranks, stage=stage) for stage in range(4)]
    assert stages[0] == states
    for fewer, more in pairwise(stages):
        assert sum(fewer.values()) >= sum(more.values())
    for name, whole in states.items():
        assert whole <= ranks * stages[3][name] < whole + ranks


@pytest.mark.parametrize(("stage", "ranks"), [(4, 2), (-1, 2), (1, 0)])
def test_no_such_share(stage, ranks):
    with pytest.raises(ValueError, match=f"stage is {stage}, ranks {ranks}; give a stage from 0"):
        shared_out({"weights": 1}, ranks=ranks, stage=stage)


@given(batch=st.integers(0, 200))
def test_as_many_sequences_as_fit(batch):
    size, states = SIZES["large"], {"weights": 10**9}
    one = activation_bytes_of(size, batch=1) + loss_bytes_of(size, batch=1)
    exactly = (10**9 + batch * one) / 1e9
    assert most_sequences(size, states, device_gb=exactly + 1e-9) == batch
    assert most_sequences(size, states, device_gb=0.5) == 0
