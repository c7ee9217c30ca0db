"""The stand-ins against the oracles of the checks, and against published cases."""

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from course_utils import plots, stats
from labs.seminar.ml_systems_metrics import given
from labs.seminar.ml_systems_metrics.checks.energies import wanted_parts
from labs.seminar.ml_systems_metrics.checks.fronts import wanted_kinds
from labs.seminar.ml_systems_metrics.checks.hunting import predictor, steps
from labs.seminar.ml_systems_metrics.checks.levels import wanted_levels
from labs.seminar.ml_systems_metrics.checks.percentiles import wanted_interval
from labs.seminar.ml_systems_metrics.checks.waiting import wanted_latencies, wanted_record
from labs.seminar.ml_systems_metrics.published import HOROWITZ_PJ

SEEDS = st.integers(0, 10_000)


@examples(shape=st.tuples(*[st.integers(1, 9)] * 5), precision=st.sampled_from(["int8", "float32"]))
@settings(max_examples=40, deadline=None)
def test_energies(shape, precision):
    got = given.layer_energy_pj(shape, precision, HOROWITZ_PJ)
    assert got == pytest.approx(wanted_parts(shape, precision, table=HOROWITZ_PJ))


@examples(
    latencies=st.lists(st.sampled_from([1.0, 1.4, 2.0, 3.0, 9.0, 30.0]), min_size=1, max_size=25)
)
@settings(max_examples=100, deadline=None)
def test_levels(latencies):
    sizes = np.arange(1, len(latencies) + 1) * 512
    want = wanted_levels(sizes.tolist(), latencies, rise=1.5)
    assert given.find_levels(sizes, np.array(latencies), 1.5) == want


@examples(n=st.integers(1, 80), percent=st.integers(1, 99), seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_percentile_intervals(n, percent, seed):
    samples = np.random.default_rng(seed).integers(0, 30, n)
    value, *ends = given.percentile_interval(samples, percent, 0.93)
    want = wanted_interval(samples, percent, level=0.93)
    assert (value, *ends) == want


def test_the_median_has_the_interval_that_the_course_gives_it():
    samples = np.random.default_rng(3).exponential(size=41)
    interval = stats.median_interval(samples)
    assert given.percentile_interval(samples, 50, 0.95) == (
        interval.value,
        interval.low,
        interval.high,
    )


@pytest.mark.parametrize(("percent", "level"), [(50, 0.95), (90, 0.9), (99, 0.95), (10, 0.8)])
def test_fewest_samples_is_where_both_ends_appear(percent, level):
    n = given.fewest_samples(percent, level)
    assert None not in wanted_interval(range(n), percent, level=level)
    assert None in wanted_interval(range(n - 1), percent, level=level)


def test_the_one_sided_rule_of_the_course_is_the_two_sided_one_at_ninety():
    """p^n <= 0.05 is the course's rule, 299 for p99; both sides at 90 % leave 0.05 each."""
    for percent in (90, 95, 99):
        assert given.fewest_samples(percent, 0.9) == stats.min_samples_for_percentile(percent)


@examples(
    gaps=st.lists(st.integers(0, 50), min_size=1, max_size=40),
    first=st.integers(0, 1000),
    seed=SEEDS,
)
@settings(max_examples=60, deadline=None)
def test_scheduled_latencies(gaps, first, seed):
    due = first + np.cumsum(gaps)
    service = np.random.default_rng(seed).integers(1, 90, len(gaps))
    got = given.scheduled_latency(due, service)
    assert got == wanted_latencies(due, service)
    assert all(latency >= each for latency, each in zip(got, service, strict=True))


@examples(
    latencies=st.lists(st.integers(1, 400), min_size=1, max_size=30), interval=st.integers(1, 90)
)
@settings(max_examples=60, deadline=None)
def test_corrected_records(latencies, interval):
    assert given.corrected(np.array(latencies), interval) == wanted_record(latencies, interval)


def test_the_case_of_hdrhistogram():
    """HdrHistogram/HdrHistogram @016ab97, HistogramDataAccessTest: 10,000 answers of 1 ms, one
    every 10 ms, then a pause of 100 s: raw and corrected counts, means and percentiles."""
    raw = np.array([1_000] * 10_000 + [100_000_000])
    record = np.array(given.corrected(raw, 10_000))
    assert (len(raw), len(record)) == (10_001, 20_000)
    assert raw.mean() == pytest.approx((10_000 * 1_000 + 100_000_000) / 10_001)
    # The mean of 10 ms, 20 ms ... 100 s is 50.005 s; their test allows 0.1 %.
    assert record.mean() == pytest.approx((1_000 + 50_000_000) / 2, rel=0.001)
    raw_wanted = {30: 1_000, 99: 1_000, 99.99: 1_000, 99.999: 100_000_000}
    record_wanted = {30: 1_000, 50: 1_000, 75: 50_000_000, 90: 80_000_000, 99: 98_000_000}
    for values, wanted in ((raw, raw_wanted), (record, record_wanted)):
        for percent, want in wanted.items():
            got = np.quantile(values, percent / 100, method="inverted_cdf")
            assert got == pytest.approx(want, rel=0.001)


@examples(
    count=st.integers(1, 12), quantities=st.integers(1, 4), width=st.integers(0, 5), seed=SEEDS
)
@settings(max_examples=60, deadline=None)
def test_fronts(count, quantities, width, seed):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 9, (count, quantities))
    high = low + rng.integers(0, width + 1, low.shape)
    better = [str(way) for way in rng.choice(["higher", "lower"], quantities)]
    assert given.sort_out(low, high, better) == wanted_kinds(low, high, better=better)


@examples(count=st.integers(1, 15), seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_without_width_the_front_is_that_of_the_course(count, seed):
    points = np.random.default_rng(seed).integers(0, 6, (count, 2)).astype(float)
    kinds = given.sort_out(points, points, ["lower", "higher"])
    front = plots.pareto_indices(points.tolist())
    assert [i for i, kind in enumerate(kinds) if kind == "surely"] == front
    assert "possibly" not in kinds


@examples(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_wider_interval_never_makes_anything_surer(seed):
    rng = np.random.default_rng(seed)
    low = rng.random((8, 2))
    high = low + 0.1 * rng.random((8, 2))
    better = ["higher", "lower"]
    before = given.sort_out(low, high, better)
    after = given.sort_out(low - 0.05, high + 0.05, better)
    for old, new in zip(before, after, strict=True):
        assert new in (old, "possibly")


@pytest.mark.parametrize("story", ["none", "accumulated", "rate", "other"])
def test_stories_of_steps(story):
    log = steps(np.random.default_rng(5), story)
    assert given.step_fault(log["gradients"], log["updates"], log["learning_rate"]) == story


@pytest.mark.parametrize(
    ("mood", "want"), [("steady", False), ("dropout", True), ("statistics", True)]
)
def test_moods(mood, want):
    rng = np.random.default_rng(2)
    assert given.depends_on_company(predictor(rng, mood), rng.normal(size=(9, 5))) is want


@examples(seed=SEEDS, leaked=st.integers(0, 6))
@settings(max_examples=30, deadline=None)
def test_leaks(seed, leaked):
    rng = np.random.default_rng(seed)
    test = rng.integers(0, 4, (12, 3)).astype(float)
    places = rng.choice(12, leaked, replace=False)
    train = np.vstack([test[places], rng.integers(0, 4, (5, 3)) + 10.0])
    known = train.tolist()
    want = [i for i, row in enumerate(test.tolist()) if row in known]
    assert given.leaked_rows(train, test) == want
    assert set(places.tolist()) <= set(want)
