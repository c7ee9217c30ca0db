"""The stand-ins of exercises 6.4 and 6.5 against the oracles of the checks."""

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from labs.seminar.inference_performance import given
from labs.seminar.inference_performance.checks.batching import TICK_S, wanted_ticks
from labs.seminar.inference_performance.checks.calls import wanted_cost

SEEDS = st.integers(0, 10_000)


@examples(count=st.integers(2, 12), seed=SEEDS, scale=st.sampled_from([1e-9, 1e-5, 1.0, 100.0]))
@settings(max_examples=60, deadline=None)
def test_lines(count, seed, scale):
    rng = np.random.default_rng(seed)
    rows = np.concatenate([[1, 9], rng.integers(1, 300, count - 2)])
    times = scale * rng.uniform(0.5, 5, count)
    got = given.overhead_and_work(rows, times)
    # Both times and numbers of rows differ by two or three powers of ten: 1e-16 grows to 1e-10.
    assert got == pytest.approx(wanted_cost(rows, times), rel=1e-9, abs=1e-11 * scale)


def test_a_line_has_the_smallest_sum_of_squares():
    rng = np.random.default_rng(0)
    rows = rng.integers(1, 200, 15)
    times = (2 + 0.1 * rows) * rng.uniform(0.8, 1.2, 15)
    overhead, work = given.overhead_and_work(rows, times)

    def total(overhead, work):
        return np.sum(((overhead + work * rows) / times - 1) ** 2)

    least = total(overhead, work)
    for turn in np.linspace(0, 2 * np.pi, 12):
        assert total(overhead + 0.01 * np.cos(turn), work + 0.001 * np.sin(turn)) > least


@examples(
    gaps=st.lists(st.integers(0, 40), min_size=1, max_size=40),
    first=st.integers(0, 300),
    overhead=st.integers(0, 50),
    work=st.integers(1, 20),
    most=st.integers(1, 9),
)
@settings(max_examples=80, deadline=None)
def test_batches(gaps, first, overhead, work, most):
    arrivals = first + np.cumsum(gaps)
    got = given.batched_latencies(arrivals * TICK_S, overhead * TICK_S, work * TICK_S, most)
    want = wanted_ticks(arrivals, (overhead, work), most=most)
    assert [x / TICK_S for x in got] == want


def test_no_rows_have_no_latencies():
    assert given.batched_latencies([], 1.0, 1.0, 3) == []


def test_the_example_of_the_text():
    assert given.batched_latencies([0.0, 1.0, 2.0], 2.0, 1.0, 9) == [3, 6, 5]
    assert given.batched_latencies([0.0, 1.0, 2.0], 2.0, 1.0, 1) == [3, 5, 7]
    overhead_us, work_us = given.overhead_and_work([1, 100], [110, 200])
    assert (overhead_us, work_us) == pytest.approx((110 - 90 / 99, 90 / 99))
