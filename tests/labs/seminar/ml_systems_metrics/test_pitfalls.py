"""The pitfalls: their form, and the direction of those whose times are drawn."""

import numpy as np
import pytest

from labs.seminar.ml_systems_metrics import pitfalls


@pytest.fixture(scope="module")
def found():
    return pitfalls.all_pitfalls(repeats=6, rng=np.random.default_rng(0))


def test_eight_pitfalls_each_with_pairs_of_positive_numbers(found):
    assert len({p.name for p in found}) == 8
    for pitfall in found:
        assert pitfall.wrong.shape == pitfall.right.shape == (6,)
        assert (pitfall.wrong > 0).all()
        assert (pitfall.right > 0).all()
        assert pitfall.factor.low <= pitfall.factor.value <= pitfall.factor.high
        assert set(pitfall.row()) >= {"pitfall", "wrong", "right", "wrong / right", "kind"}
    assert [p.kind for p in found].count("modelled") == 3


def test_a_factor_is_the_median_over_repeats():
    wrong, right = np.array([2.0, 4, 6, 8, 10, 12]), np.full(6, 2.0)
    factor = pitfalls.Pitfall("x", wrong, right, "x [us]").factor
    # 1 to 6: the median is 3.5, and six samples bound it by their ends (Student would not).
    assert (factor.value, factor.low, factor.high, factor.n) == (3.5, 1.0, 6.0, 6)


def test_what_waits_for_an_answer_takes_at_least_as_long_as_what_does_not(found):
    not_awaited = next(p for p in found if p.name == "not awaited")
    assert (not_awaited.wrong <= not_awaited.right).all()


def test_drawn_times_have_the_tail_that_the_module_says():
    rng = np.random.default_rng(1)
    times_us = pitfalls.skewed_times_us((200_000,), rng=rng)
    # 2 % of 200,000 with a standard deviation of 0.03 %: six of them.
    assert abs(np.mean(times_us > 1_000) - pitfalls.SLOW_SHARE) < 0.002
    mean = pitfalls.mean_of_a_tail(repeats=9, rng=rng).factor
    # 0.98 + 0.02 * 40 = 1.78 times the usual mean, which lies 0.5 % above its median of 100 us.
    assert mean.low < 1.78 * 1.005 < mean.high


def test_alternating_is_nearer_to_the_truth_than_blocks():
    drift = pitfalls.blocks_on_a_drift(repeats=25, rng=np.random.default_rng(2))
    # A drift of 10 to 30 % moves the second block by half of it, some 5 to 15 %; in turn it cancels
    # but for one step of eighty, below 0.4 %, and noise of 2 % / sqrt(40) a side, some 0.5 %.
    assert np.median(drift.wrong) > 0.04
    assert np.median(drift.right) < 0.015


def test_too_few_repeats_are_named():
    with pytest.raises(ValueError, match="repeats is 5"):
        pitfalls.all_pitfalls(repeats=5, rng=np.random.default_rng(0))
