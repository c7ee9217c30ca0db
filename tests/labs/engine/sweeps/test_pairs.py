"""Paired settings: the test against that of the measuring library, and what luck alone gives."""

import numpy as np
import pytest

from course_utils.stats import paired_difference
from labs.engine.sweeps.pairs import LEVEL, Pairs, fewest_pairs, judge, pair

FAMILIES = 400


def drawn(rng, n, shift=0.0):
    """Two settings of which each seed moves both alike."""
    by_seed = rng.normal(scale=3, size=n)
    a, b = by_seed + rng.normal(size=n), by_seed + rng.normal(size=n) + shift
    return Pairs(tuple(a), tuple(b))


@pytest.mark.parametrize("n", [5, 6, 9, 14])
def test_p_value_is_that_of_the_measuring_library(n):
    rng = np.random.default_rng(n)
    for _ in range(5):
        pairs = drawn(rng, n, shift=0.5)
        same = paired_difference(pairs.b, pairs.a, rng=rng, resamples=2)
        assert pairs.p_value() == pytest.approx(same.p_value, abs=1e-12)
        assert pairs.difference == pytest.approx(same.interval.value)


def test_many_pairs_are_judged_by_patterns_drawn_at_random():
    pairs = drawn(np.random.default_rng(1), 20, shift=0.4)
    oracle = paired_difference(
        pairs.b, pairs.a, rng=np.random.default_rng(2), resamples=10_000
    ).p_value
    # Two estimates from 10,000 patterns each: five standard errors of their difference.
    assert pairs.p_value() == pytest.approx(oracle, abs=5 * np.sqrt(2 * oracle / 10_000))


def test_a_difference_that_no_pattern_reaches_is_never_quite_impossible():
    sure = Pairs((0.0,) * 30, tuple(100.0 + i for i in range(30)))
    assert 0 < sure.p_value() <= 1e-4
    assert judge([sure] * 1_000)[0][0] == "larger"


def test_equal_values_are_no_difference_whatever_their_number():
    assert judge([Pairs((0.1,) * 8, (0.1,) * 8)]) == [("no difference shown", 1.0)]
    assert judge([]) == []


@pytest.mark.parametrize("comparisons", [1, 2, 7, 30, 400])
def test_fewest_pairs_are_those_with_which_a_verdict_is_first_possible(comparisons):
    needed = fewest_pairs(comparisons)
    others = [Pairs((0.0,) * needed, (1.0, -1.0) * (needed // 2) + (0.0,) * (needed % 2))]
    for n, verdict in ((needed, "larger"), (needed - 1, "too few seeds")):
        clear = Pairs((0.0,) * n, tuple(range(1, n + 1)))
        assert judge([clear, *others * (comparisons - 1)])[0][0] == verdict


def test_seeds_that_one_side_lacks_take_no_part():
    assert pair({0: 1.0, 1: 2.0, 2: 3.0}, {2: 5.0, 0: 4.0}) == Pairs((1.0, 3.0), (4.0, 5.0))
    assert pair({0: 1.0}, {1: 1.0}) is None
    assert pair({None: 1.0}, {None: 2.0}).interval is None


def test_without_a_difference_families_claim_one_in_at_most_one_of_twenty():
    rng = np.random.default_rng(8)
    wrong = 0
    for _ in range(FAMILIES):
        family = [drawn(rng, 10) for _ in range(8)]
        wrong += any(verdict in ("larger", "smaller") for verdict, _ in judge(family))
    assert wrong / FAMILIES <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / FAMILIES)
    assert wrong > 0  # a test that never rejects would pass the line above


def test_a_real_difference_is_found_and_has_its_direction():
    rng = np.random.default_rng(9)
    found = []
    for _ in range(100):
        family = [drawn(rng, 12, shift=-3.0), *(drawn(rng, 12) for _ in range(7))]
        found.append(judge(family)[0][0])
    assert set(found) <= {"smaller", "no difference shown"}
    assert found.count("smaller") >= 95
