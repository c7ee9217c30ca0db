"""Oracles, properties and coverage of course_utils.stats."""

import itertools
import math
import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from course_utils import stats
from course_utils.errors import MeasurementError

# Of a size where float64 keeps 12 digits of a difference.
numbers = st.integers(-(10**6), 10**6).map(lambda i: i / 1000)
samples_of = lambda fewest: st.lists(numbers, min_size=fewest, max_size=40)  # noqa: E731
FEW = 200  # resamples, where a test is not about their number


def rng(seed=0):
    return np.random.default_rng(seed)


def every_interval(samples):
    """Each kind of interval of the same samples, as (name, Interval)."""
    clusters = range(len(samples))
    yield "mean", stats.mean_interval(samples)
    yield "median", stats.median_interval(samples)
    yield "bootstrap", stats.bootstrap_interval(samples, np.mean, rng=rng(), resamples=FEW)
    yield "cluster", stats.cluster_bootstrap(samples, clusters, rng=rng(), resamples=FEW)
    zeros = np.zeros(len(samples))
    yield "paired", stats.paired_difference(samples, zeros, rng=rng(), resamples=FEW).interval


# --- oracles -------------------------------------------------------------------------------


@given(samples=samples_of(2), level=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_mean_interval_is_that_of_scipy(samples, level):
    ours = stats.mean_interval(samples, level=level)
    scale = scipy.stats.sem(samples)
    half = scipy.stats.t.ppf(0.5 + level / 2, len(samples) - 1) * scale
    assert ours.value == pytest.approx(math.fsum(samples) / len(samples), abs=1e-9)
    assert ours.high - ours.value == pytest.approx(half, rel=1e-9, abs=1e-9)
    assert ours.value - ours.low == pytest.approx(half, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", range(5, 41))
def test_the_median_interval_takes_the_ranks_that_brute_force_finds(n):
    binomial = [math.comb(n, k) / 2**n for k in range(n + 1)]
    # Interval from the r-th smallest to the r-th largest (r from 1) misses if fewer than r
    # samples lie on one side; the narrowest that covers >= 95 %, or else the widest.
    covers = {r: 1 - 2 * math.fsum(binomial[:r]) for r in range(1, (n + 1) // 2 + 1)}
    rank = max((r for r in covers if covers[r] >= 0.95), default=1)
    ours = stats.median_interval(list(range(1, n + 1)))
    assert (ours.low, ours.high) == (rank, n + 1 - rank)
    assert ours.level == pytest.approx(covers[rank], abs=1e-12)
    assert ours.value == (n + 1) / 2
    assert (ours.level >= 0.95) == (n >= 6)


@pytest.mark.parametrize("n", [6, 20, 57, 200])
def test_the_median_interval_is_that_of_the_quantile_test_of_scipy(n):
    samples = rng(n).gamma(2.0, size=n)
    theirs = scipy.stats.quantile_test(samples, p=0.5).confidence_interval(0.95)
    ours = stats.median_interval(samples)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)


def test_five_samples_give_their_range_and_say_what_it_is_worth():
    ours = stats.median_interval([3, 1, 2, 5, 4])
    assert (ours.low, ours.value, ours.high) == (1, 3, 5)
    assert ours.level == 1 - 2 / 32


def test_the_median_of_many_samples_needs_no_huge_binomials():
    ours = stats.median_interval(np.arange(200_001))
    # Normal approximation: 1.96 sqrt(n) / 2 ranks on either side, to within a rank or two.
    assert ours.high - ours.value == pytest.approx(0.5 * 1.95996 * math.sqrt(200_001), abs=2)


@given(st.integers(2, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_proportion_interval_is_that_of_scipy(case):
    successes, n = case
    theirs = scipy.stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    ours = stats.proportion_interval(successes, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= ours.low <= ours.value <= ours.high <= 1


def expanded_level(n, level=0.95):
    """Level at which a plain percentile bootstrap reads Hesterberg's percentiles."""
    t = scipy.stats.t.ppf(0.5 + level / 2, n - 1)
    return 1 - 2 * scipy.stats.norm.cdf(-math.sqrt(n / (n - 1)) * t)


@pytest.mark.parametrize("statistic", [np.mean, np.median, np.std])
def test_the_bootstrap_agrees_with_that_of_scipy(statistic):
    samples = rng(3).gamma(2.0, size=25)
    ours = stats.bootstrap_interval(samples, statistic, rng=rng(1), resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (samples,),
        statistic,
        n_resamples=20_000,
        confidence_level=expanded_level(25),
        method="percentile",
        rng=rng(2),
    )
    # Each end is a quantile q of 20,000 draws: its own rank varies by sqrt(q (1 - q) / 20,000)
    # = 0.001. Five such steps (of both ends, sqrt 2) move q from 0.021 to 0.014 or 0.028.
    spread = theirs.bootstrap_distribution
    for end, q in ((ours.low, 0.021), (ours.high, 1 - 0.021)):
        near, far = np.quantile(spread, [q - 0.0075, q + 0.0075])
        assert near <= end <= far
    assert ours.value == statistic(samples)


def test_the_percentiles_are_those_of_hesterberg():
    samples, draws = rng(8).normal(size=6), rng(1)
    means = [samples[draws.integers(6, size=6)].mean() for _ in range(5000)]
    tail = (1 - expanded_level(6)) / 2
    ours = stats.bootstrap_interval(samples, np.mean, rng=rng(1), resamples=5000)
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(means, [tail, 1 - tail])))


def test_the_expansion_makes_the_bootstrap_of_a_mean_as_wide_as_t():
    samples = rng(5).normal(size=10)
    ours = stats.bootstrap_interval(samples, np.mean, rng=rng(), resamples=20_000)
    exact = stats.mean_interval(samples)
    # The normal limit makes them equal; at n = 10 the resampled tails are a little lighter.
    assert (ours.high - ours.low) / (exact.high - exact.low) == pytest.approx(1, abs=0.12)


def test_clusters_of_one_are_an_ordinary_bootstrap():
    samples = rng(7).normal(size=12)
    plain = stats.bootstrap_interval(samples, np.mean, rng=rng(1))
    clustered = stats.cluster_bootstrap(samples, range(12), rng=rng(1))
    assert (clustered.low, clustered.value, clustered.high) == pytest.approx(
        (plain.low, plain.value, plain.high), rel=1e-12
    )


def test_clusters_stay_whole():
    # All samples of a cluster are alike: resampling clusters of 50 is resampling 8 numbers.
    values = rng(2).normal(size=8)
    samples, clusters = np.repeat(values, 50), np.repeat(list("abcdefgh"), 50)
    ours = stats.cluster_bootstrap(samples, clusters, rng=rng(1))
    single = stats.bootstrap_interval(values, np.mean, rng=rng(1))
    assert (ours.low, ours.value, ours.high) == pytest.approx(
        (single.low, single.value, single.high), rel=1e-12
    )
    assert ours.n == 8


def test_unequal_clusters_weigh_by_their_samples():
    samples, clusters = [1] * 90 + [0] * 10, [0] * 90 + list(np.repeat([1, 2, 3, 4, 5], 2))
    ours = stats.cluster_bootstrap(samples, clusters, rng=rng())
    assert ours.value == 0.9
    assert ours.low == 0  # a draw without the large cluster (1 in 3) has only zeros
    assert ours.high < 1  # some of the others are wrong in nearly every draw
    assert ours.n == 6


# --- properties ----------------------------------------------------------------------------


@given(samples=samples_of(5), shift=numbers, scale=st.sampled_from([0.5, 2.0, 1024.0]))
def test_intervals_move_and_scale_with_the_samples(samples, shift, scale):
    moved = [scale * x + shift for x in samples]
    size = max(1, *map(abs, samples), *map(abs, moved))
    for (name, before), (_, after) in zip(
        every_interval(samples), every_interval(moved), strict=True
    ):
        for end in ("low", "value", "high"):
            expected = scale * getattr(before, end) + shift
            assert getattr(after, end) == pytest.approx(expected, abs=1e-9 * size * scale), name


@given(st.data())
def test_the_order_of_samples_does_not_matter(data):
    samples = data.draw(samples_of(5))
    mixed = data.draw(st.permutations(samples))
    assert stats.median_interval(mixed) == stats.median_interval(samples)
    one, other = stats.mean_interval(samples), stats.mean_interval(mixed)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)


@given(samples_of(5))
def test_an_interval_holds_its_value_and_becomes_a_result(samples):
    for name, interval in every_interval(samples):
        assert interval.low <= interval.value <= interval.high, name
        result = interval.result()
        assert (result.value, result.low, result.high) == (
            interval.value,
            interval.low,
            interval.high,
        )
        assert (result.n, result.kind) == (len(samples), "measured")


def test_a_statistic_outside_its_own_percentiles_is_held_all_the_same():
    # The largest sample can only shrink in a resample.
    ours = stats.bootstrap_interval(range(10), np.max, rng=rng(), resamples=FEW)
    assert ours.low <= ours.value == ours.high == 9


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_interval_and_no_global_state_is_touched(seed):
    samples = rng(9).normal(size=30)
    np.random.seed(1)  # noqa: NPY002 - the global state is what must stay untouched
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one = stats.paired_difference(samples, samples[::-1], rng=rng(seed))
    other = stats.paired_difference(samples, samples[::-1], rng=rng(seed))
    assert one == other
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_levels_are_nested():
    samples = rng(4).gamma(2.0, size=40)
    for make in (stats.mean_interval, stats.median_interval):
        narrow, wide = make(samples, level=0.8), make(samples, level=0.99)
        assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


# --- coverage ------------------------------------------------------------------------------


def lowest_plausible(trials, level):
    """Hits that an interval of this level undercuts in 1 of 10,000 simulations."""
    return scipy.stats.binom.ppf(1e-4, trials, level)


def coverage(make, draw, truth, trials):
    """Number of trials in which the interval held the truth."""
    generator = rng(2026)
    intervals = [make(draw(generator)) for _ in range(trials)]
    return sum(i.low <= truth <= i.high for i in intervals)


def test_the_mean_interval_covers_as_often_as_it_says():
    hits = coverage(stats.mean_interval, lambda g: g.normal(3, 2, size=4), 3, 2000)
    assert hits >= lowest_plausible(2000, 0.95)
    assert hits <= scipy.stats.binom.ppf(1 - 1e-4, 2000, 0.95)  # exact, so no wider either


@pytest.mark.parametrize("n", [5, 8, 31])
def test_the_median_interval_covers_as_often_as_it_says_on_skewed_times(n):
    hits = coverage(stats.median_interval, lambda g: g.lognormal(size=n), 1.0, 2000)
    level = stats.median_interval(range(n)).level
    assert hits >= lowest_plausible(2000, level)
    assert hits <= scipy.stats.binom.ppf(1 - 1e-4, 2000, level)


def speakers(generator, clusters=10, words=20):
    """Words whose mean differs by speaker: intra-class correlation 1 / 2."""
    means = np.repeat(generator.normal(size=clusters), words)
    return means + generator.normal(size=clusters * words)


def test_cluster_bootstrap_covers_where_independence_does_not():
    labels = np.repeat(np.arange(10), 20)
    clustered = coverage(
        lambda x: stats.cluster_bootstrap(x, labels, rng=rng(1), resamples=400), speakers, 0, 400
    )
    naive = coverage(stats.mean_interval, speakers, 0, 400)
    # The expanded percentiles are a second-order correction: a few per cent of level are allowed.
    assert clustered >= lowest_plausible(400, 0.92)
    # The naive standard error is too small by sqrt(1 + 19 / 2) = 3.2: covers about 2 P(z < 0.6).
    assert naive <= scipy.stats.binom.ppf(1 - 1e-4, 400, 0.55)


# --- percentiles ---------------------------------------------------------------------------


@pytest.mark.parametrize("percent", [50, 75, 90, 95, 99, 99.9])
def test_the_fewest_samples_are_the_first_whose_largest_bounds_the_percentile(percent):
    p = percent / 100
    brute_force = next(n for n in itertools.count(1) if p**n <= 0.05)
    assert stats.min_samples_for_percentile(percent) == brute_force
    assert stats.min_samples_for_percentile(100 - percent) == brute_force


def test_the_documented_sample_numbers():
    assert stats.min_samples_for_percentile(90) == 29
    assert stats.min_samples_for_percentile(99) == 299
    assert stats.supported_percentiles(4) == ()
    assert stats.supported_percentiles(298, (90, 99)) == (90,)


# --- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        lambda: stats.mean_interval([0.93]),
        lambda: stats.mean_interval([]),
        lambda: stats.median_interval([1.0]),
        lambda: stats.median_interval([1.0, 2.0, 3.0, 4.0]),
        lambda: stats.proportion_interval(1, 1),
        lambda: stats.proportion_interval(0, 0),
        lambda: stats.bootstrap_interval([1.0], np.mean, rng=rng()),
        lambda: stats.cluster_bootstrap([1, 0, 1, 1, 0, 1], ["anna"] * 6, rng=rng()),
        lambda: stats.cluster_bootstrap([1, 0, 1, 1, 0, 1], list("aabbcc"), rng=rng()),
        lambda: stats.paired_difference([1.0], [0.5], rng=rng()),
        lambda: stats.paired_difference([1] * 9, [0] * 9, clusters=["anna"] * 9, rng=rng()),
    ],
)
def test_too_few_runs_support_no_claim(claim):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # refused before numpy divides by zero
        with pytest.raises(MeasurementError, match=r"n = \d+ supports no claim; .* needs n >= \d"):
            claim()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_named_by_its_index(bad):
    samples = [1.0, 2.0, 3.0, bad, 5.0, bad]
    good = [1.0] * 6
    for claim in (
        lambda: stats.mean_interval(samples),
        lambda: stats.median_interval(samples),
        lambda: stats.bootstrap_interval(samples, np.mean, rng=rng()),
        lambda: stats.cluster_bootstrap(samples, range(6), rng=rng()),
        lambda: stats.paired_difference(samples, good, rng=rng()),
        lambda: stats.paired_difference(good, samples, rng=rng()),
    ):
        with pytest.raises(MeasurementError, match=rf"samples\[3\] is {bad}"):
            claim()


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (lambda: stats.mean_interval([1, 2], level=95), "level 95"),
        (lambda: stats.proportion_interval(1, 2, level=0), "level 0"),
        (lambda: stats.mean_interval([[1, 2], [3, 4]]), r"shape \(2, 2\)"),
        (lambda: stats.proportion_interval(3, 2), "3 successes of 2"),
        (lambda: stats.proportion_interval(0.5, 2), "0.5 successes of 2"),
        (lambda: stats.cluster_bootstrap([1] * 6, list("abc"), rng=rng()), "6 samples have 3"),
        (lambda: stats.paired_difference([1] * 6, [1] * 5, rng=rng()), "6 and 5 samples"),
        (lambda: stats.holm([]), "no p-values"),
        (lambda: stats.holm([0.1, 1.5]), r"p_values\[1\] is 1.5"),
        (lambda: stats.holm([math.nan]), r"p_values\[0\] is nan"),
        (lambda: stats.min_samples_for_percentile(100), "percentile 100"),
        (lambda: stats.min_samples_for_percentile(0), "percentile 0"),
    ],
)
def test_other_nonsense_is_refused(claim, message):
    with pytest.raises(MeasurementError, match=message):
        claim()


def test_torch_tensors_are_samples_and_labels_too():
    torch = pytest.importorskip("torch")
    is_right = torch.tensor([True, False] * 5)
    ours = stats.cluster_bootstrap(is_right, torch.arange(10) // 2, rng=rng(), resamples=FEW)
    assert (ours.value, ours.n) == (0.5, 5)
