"""Percentiles against another lab's, and what a run says about itself."""

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from course_utils.errors import MeasurementError
from labs.seminar.inference_performance.runs import Run, percentile
from labs.seminar.ml_systems_metrics.given import percentile_interval


def run(latencies_s, *, scenario="SingleStream", gap_s=0.0, **more) -> Run:
    latencies = np.asarray(latencies_s, dtype=float)
    due = np.cumsum(np.concatenate([[0.0], latencies[:-1]]) + gap_s) - gap_s
    late = np.full(len(latencies), 2e-6)
    return Run(scenario, due, due + latencies, late, (1,) * len(latencies), **more)


@examples(extra=st.integers(0, 400), percent=st.sampled_from([50, 90, 99]), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_percentiles_by_the_beta_distribution(extra, percent, seed):
    n = {50: 5, 90: 29, 99: 299}[percent] + extra
    samples = np.random.default_rng(seed).integers(0, 50, n)
    got = percentile(samples, percent)
    assert (got.value, got.low, got.high) == percentile_interval(samples, percent, 0.9)
    assert got.n == n


@pytest.mark.parametrize(("percent", "fewest"), [(50, 5), (90, 29), (99, 299)])
def test_too_few_samples_say_nothing(percent, fewest):
    with pytest.raises(
        MeasurementError, match=f"{fewest - 1} samples say nothing about p{percent}"
    ):
        percentile(range(fewest - 1), percent)
    assert percentile(range(fewest), percent).high == fewest - 1


def test_a_stream_of_equal_calls():
    found = run(np.full(400, 0.004))
    assert found.n == found.samples == 400
    assert found.duration_s == pytest.approx(1.6)
    assert {p: r.value for p, r in found.percentiles_ms().items()} == pytest.approx(
        dict.fromkeys((50, 90, 99), 4.0)
    )
    assert found.throughput.value == pytest.approx(250)
    assert found.throughput.n == 10
    assert found.late.value == pytest.approx(2)
    assert found.metric[0] == "p90_ms"
    assert found.row()["mean batch"] == "1"


def test_gaps_between_queries_cost_throughput_and_no_latency():
    found = run(np.full(100, 0.004), gap_s=0.001)
    assert found.latencies_s == pytest.approx(0.004)
    # The stretches begin with the answer before: each of ten queries takes 5 ms, but for the first.
    assert found.throughput.value == pytest.approx(200)


def test_queries_answered_together_count_in_the_stretch_that_they_end():
    due = np.arange(40) * 0.001
    answered = np.repeat(0.010 + 0.020 * np.arange(8), 5)
    found = Run("Server", due, answered, np.full(8, 1e-6), (5,) * 8, most=5)
    assert found.throughput.value == pytest.approx(250)  # 5 every 20 ms
    assert found.throughput.n == 8


def test_a_few_answers_give_one_rate_without_an_interval():
    found = Run("Server", np.zeros(6), np.repeat([0.5, 2.0], 3), np.zeros(5), (3, 3), most=3)
    assert (found.throughput.value, found.throughput.n) == (3.0, 1)


def test_percentiles_that_n_does_not_support_are_left_out():
    assert list(run(np.full(28, 0.1)).percentiles_ms()) == [50]
    few = run(np.full(28, 0.1))
    assert few.metric is None
    assert few.row()["p90"] == few.row()["p99"] == "-"
    assert list(run(np.full(298, 0.1)).percentiles_ms()) == [50, 90]


def test_the_bound_is_kept_missed_or_undecided():
    latencies = np.linspace(0.001, 0.010, 1000)

    def meets(bound_s):
        return run(latencies, scenario="Server", most=1, bound_s=bound_s).meets_bound

    assert (meets(0.011), meets(0.005), meets(0.00991)) == (True, False, None)
    assert meets(None) is None
    assert run(latencies[:50], scenario="Server", most=1, bound_s=1.0).meets_bound is None


def test_reasons_name_what_is_missing():
    short = run(np.full(1000, 0.002))
    assert short.reason == "2 s of 60 s; 1,000 of 1,024 queries"
    assert not short.is_valid
    long = run(np.full(1024, 0.06))
    assert long.reason == ""
    assert long.is_valid
    offline = run(np.full(6, 11.0), scenario="Offline", samples_per_query=24_575)
    assert offline.reason == "24,575 of 24,576 samples"
    assert offline.metric[0] == "throughput_items_per_s"
    assert offline.throughput.value == pytest.approx(24_575 / 11)
    missed = run(np.full(270_336, 0.001), scenario="Server", most=1, bound_s=0.0001)
    assert missed.reason == "the bound on latency is missed"
