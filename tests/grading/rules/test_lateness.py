"""The late rule: worked examples, clocks that change, and properties over random rules."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.rules.lateness import LateRule, does_exist, late_days, localised, penalty, shown_days

BERLIN = ZoneInfo("Europe/Berlin")
DEADLINE = datetime(2026, 11, 21, 23, 59, tzinfo=BERLIN)
RULE = LateRule(grace_minutes=15, percent_per_day=10, cap_percent=50, last_day=7, free_days=3)

rules = st.builds(
    LateRule,
    grace_minutes=st.integers(0, 120),
    percent_per_day=st.integers(0, 100),
    per_started_day=st.booleans(),
    cap_percent=st.integers(0, 100),
    last_day=st.none() | st.integers(0, 10),
    free_days=st.integers(0, 5),
)
minutes = st.integers(-5_000, 20_000)


def late(minutes_late: float, rule: LateRule = RULE, deadline: datetime = DEADLINE) -> float | None:
    submitted = deadline.astimezone(UTC) + timedelta(minutes=minutes_late)
    return late_days(submitted, deadline, rule=rule)


@pytest.mark.parametrize(
    ("minutes_late", "days"),
    [(-1, 0), (0, 0), (15, 0), (15.1, 1), (24 * 60 + 15, 1), (24 * 60 + 16, 2), (70 * 60, 3)],
)
def test_started_days_after_the_grace(minutes_late, days):
    assert late(minutes_late) == days


def test_days_by_the_minute():
    rule = LateRule(per_started_day=False)
    assert late(36 * 60, rule) == 1.5
    assert late(90, rule) == pytest.approx(0.0625, abs=1e-12)


def test_what_is_unknown_costs_nothing():
    assert late_days(None, DEADLINE, rule=RULE) is None
    assert late_days(DEADLINE, None, rule=RULE) is None
    cost = penalty(None, RULE)
    assert (cost.days, cost.percent, cost.points(7.5)) == (None, 0, 7.5)
    assert "not known" in cost.sentence


@pytest.mark.parametrize(
    ("deadline", "minutes_to_the_next_evening"),
    [
        (datetime(2026, 10, 24, 23, 59, tzinfo=BERLIN), 25 * 60),
        (datetime(2027, 3, 27, 23, 59, tzinfo=BERLIN), 23 * 60),
    ],
)
def test_the_night_the_clocks_change_makes_no_one_late(deadline, minutes_to_the_next_evening):
    rule = LateRule(percent_per_day=10)
    assert late(minutes_to_the_next_evening, rule, deadline) == 1
    assert late(minutes_to_the_next_evening + 1, rule, deadline) == 2


def test_the_hour_that_comes_twice_is_read_in_favour_of_the_student():
    naive = datetime(2026, 10, 25, 2, 30)
    deadline, handed_in = localised(naive, BERLIN, is_later=True), localised(naive, BERLIN)
    assert deadline.astimezone(UTC) - handed_in.astimezone(UTC) == timedelta(hours=1)
    assert late_days(deadline, deadline, rule=LateRule()) == 0
    assert late_days(deadline, deadline, rule=LateRule(grace_minutes=10)) == 0


def test_the_hour_that_does_not_exist():
    assert not does_exist(datetime(2027, 3, 28, 2, 30, tzinfo=BERLIN))
    assert does_exist(datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN))
    deadline = datetime(2027, 3, 27, 2, 30, tzinfo=BERLIN)  # a day later there is no such hour
    assert late(24 * 60, LateRule(), deadline) == 1
    assert late(24 * 60 + 1, LateRule(), deadline) == 2


@pytest.mark.parametrize(
    ("days", "left", "free", "charged", "percent", "sentence"),
    [
        (0, 3, 0, 0, 0, "Handed in on time."),
        (1, 3, 1, 0, 0, "Handed in 1 day late, all of it free: nothing is deducted."),
        (1, 0, 0, 1, 10, "Handed in 1 day late: 10 % of the points are deducted."),
        (5, 3, 3, 2, 20, "Handed in 5 days late, 3 of it free: 20 % of the points are deducted."),
        (7, 0, 0, 7, 50, "Handed in 7 days late: 50 % of the points are deducted."),
        (8, 3, 0, 8, 100, "Handed in 8 days late: later than 7 counts nothing."),
    ],
)
def test_what_it_costs(days, left, free, charged, percent, sentence):
    cost = penalty(days, RULE, free_days_left=left)
    assert (cost.free_days, cost.charged_days, cost.percent) == (free, charged, percent)
    assert cost.sentence == sentence
    assert cost.factor == pytest.approx(1 - percent / 100, abs=1e-15)


def test_points_are_deducted_exactly():
    assert penalty(3, LateRule(percent_per_day=10)).points(0.1) == 0.07
    assert penalty(1, LateRule(percent_per_day=5)).points(1.1) == 1.05  # 1.045, rounded up


def test_without_a_rule_lateness_is_told_and_costs_nothing():
    cost = penalty(9, LateRule(free_days=3), free_days_left=3)
    assert (cost.days, cost.free_days, cost.percent) == (9, 0, 0)
    assert cost.sentence == "Handed in 9 days late: nothing is deducted."


@given(minutes, minutes, rules)
def test_later_is_never_cheaper(one, other, rule):
    first, second = sorted((one, other))
    days = [late(each, rule) for each in (first, second)]
    assert days[0] <= days[1]
    costs = [penalty(each, rule).percent for each in days]
    assert costs[0] <= costs[1]
    if days[1] == 0:
        assert costs[1] == 0


@given(minutes, rules, st.integers(0, 10))
def test_free_days_and_costs_keep_their_bounds(minutes_late, rule, left):
    days = late(minutes_late, rule)
    with_free, without = penalty(days, rule, free_days_left=left), penalty(days, rule)
    assert 0 <= with_free.free_days <= min(days, left)
    assert with_free.free_days + with_free.charged_days == pytest.approx(days)
    assert 0 <= with_free.percent <= without.percent <= 100
    if rule.last_day is None or days <= rule.last_day:
        assert without.percent <= rule.cap_percent
    else:
        assert with_free.percent == 100
    assert 0 <= with_free.points(10) <= 10
    assert "\n" not in with_free.sentence


@given(st.integers(0, 5_000), st.integers(0, 400))
def test_the_day_is_the_one_on_the_wall_clock(minutes_late, shift_days):
    """A slow oracle: count the evenings between, on the clock of the zone."""
    deadline = datetime(2026, 1, 10, 23, 59, tzinfo=BERLIN) + timedelta(days=shift_days)
    submitted = (deadline.astimezone(UTC) + timedelta(minutes=minutes_late)).astimezone(BERLIN)
    naive_late = submitted.replace(tzinfo=None) - deadline.replace(tzinfo=None)
    want = -(-naive_late // timedelta(days=1))
    assert late_days(submitted, deadline, rule=LateRule()) == want


def test_days_as_a_person_reads_them():
    assert [shown_days(x) for x in (0, 1, 2.0, 0.0625, 12)] == [
        "0 days",
        "1 day",
        "2 days",
        "0.0625 days",
        "12 days",
    ]
