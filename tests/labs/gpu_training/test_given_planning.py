"""The stand-ins of exercise 2.12 against the closed forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training import step_time
from labs.gpu_training.counting import formulas
from labs.gpu_training.counting.jobs import Job
from labs.gpu_training.given import planning
from labs.shared.transformer import SIZES


@pytest.mark.parametrize("ranks", [8, 64, 1024])
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_bytes_are_those_of_fake_ranks(strategy, ranks):
    counted = formulas.counted(Job(strategy, SIZES["tiny"], ranks))
    groups = formulas.groups(SIZES["tiny"])
    sent = planning.collective_bytes(strategy, groups, ranks)
    assert {n: s for n, s in sent.items() if s} == {
        name: payload for name, (_, payload) in counted.collectives.items()
    }
    held = counted.parameter_bytes + counted.gradient_bytes + counted.optimizer_bytes
    assert planning.bytes_held(strategy, groups, ranks) == held


@given(
    ranks=st.integers(1, 300),
    calls=st.integers(1, 50),
    payload=st.integers(1, 10**9),
    name=st.sampled_from(["all_reduce", "all_gather"]),
)
def test_sending_is_the_rings(ranks, calls, payload, name):
    machine = {"flop_per_s": 1e12, "alpha_s": 1e-5, "bytes_per_s": 1e9}
    link = step_time.Link(1e-5, 1e9)
    sent = {name: (calls, payload)}
    want = step_time.sending_s(sent, ranks=ranks, link=link)
    assert planning.step_time_s(0, 0, sent, ranks, machine) == pytest.approx(want, rel=1e-12)
    both = planning.step_time_s(10**6, 10, sent, ranks, machine, True)
    assert both == pytest.approx(max(want, 6e-5), rel=1e-12)
