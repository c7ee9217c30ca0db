"""Comparisons of two models and of many: exact tests as oracles of course_utils.stats."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from course_utils import stats

FEW = 200  # resamples, where a test is not about their number


def rng(seed=0):
    return np.random.default_rng(seed)


def brute_force_p(sums):
    """Two-sided sign-flip p-value in whole numbers, so without rounding."""
    totals = [
        abs(sum(s * x for s, x in zip(signs, sums, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(sums))
    ]
    return sum(t >= abs(sum(sums)) for t in totals) / len(totals)


@given(st.lists(st.integers(-5, 5), min_size=5, max_size=9))
def test_the_p_value_is_that_of_every_sign_pattern(differences):
    ours = stats.paired_difference(
        differences, [0] * len(differences), rng=rng(), resamples=FEW
    ).p_value
    assert ours == brute_force_p(differences)


@given(st.lists(st.integers(-5, 5), min_size=5, max_size=9))
def test_rounding_breaks_no_ties(differences):
    tenths = [d / 10 for d in differences]  # 0.1 + 0.2 != 0.3
    ours = stats.paired_difference(tenths, [0] * len(tenths), rng=rng(), resamples=FEW).p_value
    assert ours == brute_force_p(differences)


@pytest.mark.parametrize(("gained", "lost"), [(0, 5), (1, 6), (3, 3), (2, 12), (7, 7)])
def test_correctness_pairs_give_the_exact_mcnemar_test(gained, lost):
    a = [1] * 100 + [1] * lost + [0] * gained
    b = [1] * 100 + [0] * lost + [1] * gained
    ours = stats.paired_difference(a, b, rng=rng(), resamples=FEW)
    assert ours.p_value == pytest.approx(scipy.stats.binomtest(gained, gained + lost).pvalue)
    assert ours.interval.value == pytest.approx((lost - gained) / len(a))


def test_many_pairs_are_sampled_close_to_the_exact_test():
    a, b = [1] * 60 + [0] * 40, [0] * 60 + [1] * 40
    exact = scipy.stats.binomtest(40, 100).pvalue  # 0.057
    ours = stats.paired_difference(a, b, rng=rng(), resamples=5000).p_value
    five_sigma = 5 * math.sqrt(exact * (1 - exact) / 5000)
    assert ours == pytest.approx(exact, abs=five_sigma + 1 / 5001)


def test_a_sampled_p_value_is_never_zero():
    ours = stats.paired_difference(np.ones(50), np.zeros(50), rng=rng(), resamples=99)
    assert ours.p_value == 1 / 100


def test_the_signs_of_a_cluster_flip_together():
    differences = [2, 1, 0, 1, 3, 1, -1, -2, 1, 1]
    ours = stats.paired_difference(
        differences, [0] * 10, rng=rng(), clusters=list("aabbccddee"), resamples=FEW
    )
    assert ours.p_value == brute_force_p([3, 1, 4, -3, 2])
    assert ours.interval.n == 5


def test_equal_models_differ_by_nothing():
    ours = stats.paired_difference([1, 0, 1, 1, 0], [1, 0, 1, 1, 0], rng=rng(), resamples=FEW)
    assert (ours.interval.low, ours.interval.high, ours.p_value) == (0, 0, 1)


def test_swapping_the_two_swaps_the_sign():
    a, b = rng(1).normal(size=12), rng(2).normal(size=12)
    one = stats.paired_difference(a, b, rng=rng(5))
    other = stats.paired_difference(b, a, rng=rng(5))
    assert other.interval.value == -one.interval.value
    assert (-other.interval.high, -other.interval.low) == pytest.approx(
        (one.interval.low, one.interval.high), rel=1e-12
    )
    assert other.p_value == one.p_value


# --- Holm ----------------------------------------------------------------------------------


def closed_bonferroni(p_values):
    """Holm by its definition: the closed test whose local test is Bonferroni's."""
    indices = range(len(p_values))
    subsets = [
        s for size in range(1, len(p_values) + 1) for s in itertools.combinations(indices, size)
    ]
    local = {s: min(1.0, len(s) * min(p_values[i] for i in s)) for s in subsets}
    return [max(local[s] for s in subsets if i in s) for i in indices]


@given(st.lists(st.integers(0, 1000).map(lambda i: i / 1000), min_size=1, max_size=7))
def test_holm_is_the_closed_bonferroni_test(p_values):
    assert stats.holm(p_values) == closed_bonferroni(p_values)


def test_holm_on_a_published_example():
    # R's documentation of p.adjust: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")
    adjusted = stats.holm([0.01, 0.02, 0.03, 0.04, 0.05])
    assert adjusted == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])


def test_holm_keeps_the_order_and_one_value():
    assert stats.holm([0.5, 0.01]) == [0.5, 0.02]
    assert stats.holm((0.3,)) == [0.3]
