"""AdamW is torch's, and the bytes are those that the ZeRO paper publishes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.gpu_training import sharded_state


@settings(deadline=None)  # the first call loads torch's optimisers
@given(
    seed=st.integers(0, 2**31),
    steps=st.integers(1, 5),
    rate=st.floats(1e-5, 0.1),
    size=st.sampled_from([1e-9, 1e-6, 1.0, 1e3]),
)
def test_adamw_is_that_of_torch(seed, steps, rate, size):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=7)
    parameter = torch.nn.Parameter(torch.tensor(weights))
    optimizer = torch.optim.AdamW([parameter], lr=rate, foreach=False)
    state = sharded_state.fresh_state(7)
    for _ in range(steps):
        gradient = rng.normal(size=7) * size
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        weights, state = sharded_state.adamw(weights, gradient, state=state, learning_rate=rate)
    # float64 on both sides: some roundings of 1e-16 a step.
    np.testing.assert_allclose(weights, parameter.detach().numpy(), rtol=1e-12, atol=1e-13)
    assert state["step"] == steps


def test_bytes_are_those_of_the_paper():
    """ZeRO, arXiv:1910.02054, figure 1: 7.5 billion parameters, 64 ranks, mixed precision."""
    totals = [
        sum(sharded_state.held_bytes(7_500_000_000, 64, stage=s, precision="mixed").values())
        for s in range(4)
    ]
    assert [round(total / 1e9, 1) for total in totals] == [120.0, 31.4, 16.6, 1.9]


@given(
    parameters=st.integers(1, 10**12),
    ranks=st.integers(1, 1024),
    precision=st.sampled_from(["float32", "mixed"]),
)
def test_a_stage_never_holds_more_than_the_one_before(parameters, ranks, precision):
    totals = []
    for stage in range(4):
        held = sharded_state.held_bytes(parameters, ranks, stage=stage, precision=precision)
        totals.append(sum(held.values()))
    assert totals[0] == 16 * parameters
    assert totals == sorted(totals, reverse=True)
    assert 0 <= totals[3] * ranks - totals[0] < 16 * ranks  # the padding is less than one each


def test_an_unknown_precision_is_refused():
    with pytest.raises(KeyError, match="int8"):
        sharded_state.held_bytes(8, 2, stage=1, precision="int8")
