"""Whom a round keeps, against a second by second simulation and the stand-in's queue."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.federated_learning import given as stand_ins
from labs.federated_learning import waiting

BOTH = pytest.mark.parametrize("source", [waiting, stand_ins], ids=["ours", "given"])
DURATIONS = st.lists(st.one_of(st.integers(1, 12).map(float), st.just(math.inf)), max_size=8)


def by_the_second(durations, wanted, deadline_s):
    """Let time pass in seconds, and note who is done, who still works, and for how long."""
    used, worked_s = [], [0.0] * len(durations)
    now_s = 0
    while len(used) < wanted and now_s < deadline_s:
        now_s += 1
        for client, duration_s in enumerate(durations):
            if client not in used:
                worked_s[client] = min(now_s, duration_s)
            if duration_s == now_s and len(used) < wanted:
                used.append(client)
    wasted_s = sum(each for client, each in enumerate(worked_s) if client not in used)
    return {"kept": used, "round_s": now_s, "wasted_s": wasted_s}


@BOTH
@given(durations=DURATIONS, wanted=st.integers(1, 9), deadline_s=st.integers(1, 15))
def test_a_round_is_what_passing_time_makes_of_it(source, durations, wanted, deadline_s):
    want = by_the_second(durations, wanted, deadline_s)
    got = source.simulate_round(durations, wanted, float(deadline_s))
    assert got == want
    assert source.kept(durations, wanted, float(deadline_s)) == want["kept"]


@BOTH
def test_the_silent_are_never_kept(source):
    assert source.kept([math.inf, 3.0, math.inf], 3, math.inf) == [1]
    assert source.kept([1.0, 2.0], 0, 10.0) == []


@BOTH
@given(staleness=st.integers(0, 1000), a=st.floats(0, 4))
def test_staleness_against_the_definition(source, staleness, a):
    want = math.pow(1 + staleness, -a)
    assert float(source.staleness_weight(staleness, a)) == pytest.approx(want, rel=1e-12)


@BOTH
def test_staleness_of_an_array(source):
    late = np.arange(6).reshape(2, 3)
    got = source.staleness_weight(late, 1.0)
    assert got.shape == (2, 3)
    assert got.ravel() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6])
    assert source.staleness_weight(late, 0.0).tolist() == [[1, 1, 1], [1, 1, 1]]
