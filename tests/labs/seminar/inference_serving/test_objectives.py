"""Searches that find a known rate, and costs by hand."""

import pytest

from course_utils.records import Result, counted
from labs.seminar.inference_serving import given, objectives
from labs.seminar.inference_serving.loads import Lengths
from labs.seminar.inference_serving.objectives import Setting, Users
from labs.seminar.inference_serving.server import Capacity
from labs.seminar.inference_serving.step_times import StepTimes

TIMES = StepTimes(prefill=(2.0, 0.1), decode=(3.0, 0.5, 0.001), ratios=(0.9, 1.0, 1.2))
USERS = Users(60, Lengths(), (0, 1, 2))
SETTING = Setting(given.schedule, Capacity(1000, 4))


def offered_per_s(log) -> float:
    """Return the rate at which requests came, of a log."""
    return 1e3 * len(log.served) / log.served[-1].request.arrival_ms


def test_the_highest_rate_is_where_the_measure_crosses_its_bound() -> None:
    how = {"measure": offered_per_s, "bound": 20.0, "top": 64.0}
    found = objectives.highest_rate(TIMES, SETTING, users=USERS, **how)
    for seed in USERS.seeds:
        one = Users(60, USERS.lengths, (seed,))
        (log,) = objectives.simulate(TIMES, SETTING, users=one, rate_per_s=1.0)
        rate = 20.0 / offered_per_s(log)  # offered rates are proportional to the rate
        alone = objectives.highest_rate(TIMES, SETTING, users=one, **how)
        assert rate / 1.06 <= alone.value <= rate
    assert found.kind == "modelled"
    assert found.low <= found.value <= found.high


def test_nothing_in_time_is_a_rate_of_nothing() -> None:
    how = {"measure": lambda _: 1.0, "bound": 0.5, "top": 10.0}
    assert objectives.highest_rate(TIMES, SETTING, users=USERS, **how).value == 0.0


def test_runs_are_repeatable_and_differ_by_seed() -> None:
    one, two = (objectives.simulate(TIMES, SETTING, users=USERS, rate_per_s=9.0) for _ in range(2))
    assert [log.end_ms for log in one] == [log.end_ms for log in two]
    assert len({log.end_ms for log in one}) == 3


def test_cost_by_hand() -> None:
    # 5 requests/s of 40 tokens are 720,000 tokens an hour.
    cost = objectives.cost_per_million_tokens(
        Result(5.0, 4.0, 10.0, n=3, kind="modelled"), output=40, price_per_hour=0.36
    )
    assert (cost.value, cost.low, cost.high) == pytest.approx((0.5, 0.25, 0.625))
    with pytest.raises(ValueError, match="the rate is 0"):
        objectives.cost_per_million_tokens(counted(0.0), output=40, price_per_hour=1.0)


def test_skewed_times_have_intervals_above_zero() -> None:
    times = [10.0, 20.0, 4000.0]
    assert objectives.over_seeds(times).low == 0 < objectives.typical(times).low
    assert objectives.typical(times).value == pytest.approx((10 * 20 * 4000) ** (1 / 3))


def test_seeds_that_agree_have_no_width() -> None:
    assert objectives.over_seeds([2.0, 2.0]) == Result(2.0, 2.0, 2.0, n=2, kind="modelled")
