"""The stand-ins against the definitions that the checks compute."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import stats
from labs.engine.student import local_student
from labs.seminar.inference_serving import given as stand_ins
from labs.seminar.inference_serving.checks import (
    attention,
    capacity,
    int8,
    intensity,
    latencies,
    scheduling,
    shedding,
)

STUDENT = local_student(vars(stand_ins))
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 12)


@given(seed=SEEDS, heads=SIZES, tokens=st.integers(0, 12), width=SIZES)
@settings(max_examples=20, deadline=None)
def test_attention_is_its_definition(seed, heads, tokens, width) -> None:
    token, keys, values = attention.draw(
        np.random.default_rng(seed), heads, tokens=tokens, width=width
    )
    attention.judge(STUDENT, token, keys=keys, values=values, what="drawn")


@given(layers=SIZES, kv_heads=SIZES, head_width=SIZES, tokens=SIZES, batch=SIZES)
@settings(max_examples=20, deadline=None)
def test_bytes_are_counted(layers, kv_heads, head_width, tokens, batch) -> None:
    model = {"layers": layers, "kv_heads": kv_heads, "head_width": head_width}
    capacity.judge_bytes(STUDENT, model, tokens=tokens, batch=batch, number_bytes=2)
    int8.judge_bytes(STUDENT, model)


@given(lengths=st.lists(st.integers(1, 60), max_size=12), block=SIZES, memory=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_sequences_fit_block_by_block(lengths, block, memory) -> None:
    capacity.judge_fit(STUDENT, memory, token_bytes=7, lengths=lengths, block=block)


@given(batch=SIZES, new=SIZES, cached=st.integers(0, 20))
@settings(max_examples=20, deadline=None)
def test_a_step_costs_its_pairs(batch, new, cached) -> None:
    model = {"parameters": 77, "layers": 3, "width": 5}
    intensity.judge(STUDENT, model, batch=batch, new=new, cached=cached, number_bytes=2)


ROWS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=8)


@given(waiting=ROWS, running=ROWS, tokens=st.integers(1, 60), places=SIZES)
@settings(max_examples=60, deadline=None)
def test_decisions_are_those_of_the_checks(waiting, running, tokens, places) -> None:
    queue = scheduling.queue(*waiting)
    batch = scheduling.batch(*((p, o, max(1, o - i % 2)) for i, (p, o) in enumerate(running)))
    scheduling.judge(STUDENT, queue, running=batch, capacity=(tokens, places), what="drawn")


@given(seed=SEEDS, n=st.integers(1, 320))
@settings(max_examples=30, deadline=None)
def test_times_and_percentiles_by_counting(seed, n) -> None:
    rng = np.random.default_rng(seed)
    latencies.judge_percentiles(STUDENT, rng.exponential(9, n).tolist(), percents=[50, 90, 95, 99])
    latencies.judge_times(STUDENT, 3.0, token_ms=(3 + rng.exponential(9, n)).cumsum().tolist())


@pytest.mark.parametrize("percent", range(50, 100))
def test_the_rule_of_the_exercise_is_that_of_the_library(percent: int) -> None:
    fewest = stats.min_samples_for_percentile(percent)
    for n in (fewest - 1, fewest):
        assert ((percent / 100) ** n <= 0.05) == (n == fewest)
        assert (percent in stand_ins.percentiles(list(range(n)), [percent])) == (n == fewest)


@given(seed=SEEDS, heads=SIZES, tokens=SIZES, width=SIZES)
@settings(max_examples=20, deadline=None)
def test_int8_caches_keep_their_bounds(seed, heads, tokens, width) -> None:
    rng = np.random.default_rng(seed)
    keys = rng.normal(size=(heads, tokens, width)).astype(np.float32)
    query = rng.normal(size=(heads, width))
    int8.judge_codes(STUDENT, keys, what="drawn")
    int8.judge_bound(STUDENT, query, scales=rng.uniform(0.01, 1, (heads, tokens)))
    int8.judge_holds(STUDENT, query, keys=keys)


@given(
    rows=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 40)), max_size=10),
    objective=st.integers(1, 150),
)
@settings(max_examples=60, deadline=None)
def test_who_is_kept_is_in_time(rows, objective) -> None:
    queue = shedding.waiting(*sorted(rows))
    how = {"now_ms": 100.0, "objective_ms": float(objective)}
    shedding.judge(STUDENT, queue, **how, what="drawn")
    at_ms = 100.0
    for number in stand_ins.keep(queue, **how):
        at_ms += queue[number]["prefill_ms"]
        assert at_ms - queue[number]["arrival_ms"] <= objective
