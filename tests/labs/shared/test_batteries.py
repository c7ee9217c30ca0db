"""How long batteries last: worked examples, ranges that keep their order, and what is refused."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.records import Result
from labs.shared import batteries, boards
from labs.shared.batteries import BATTERIES
from labs.shared.boards import BOARDS

KEYS = st.sampled_from(sorted(BOARDS))
CELLS = st.sampled_from(sorted(BATTERIES))
MS = st.floats(0.1, 400.0)
RATES = st.floats(0.0, 1.0)
ROUNDING = 1e-12  # of a few operations in float64


def modelled(low, high):
    return Result((low + high) / 2, low, high, n=1, kind="modelled")


@pytest.fixture
def plain():
    """A board with powers that are easy to reckon with: 10 mW running, 1 mW asleep."""
    return dataclasses.replace(
        BOARDS["nrf52840"], active_power_w=(0.01, 0.01), sleep_power_w=(0.001, 0.001)
    )


def test_a_day_by_hand(plain):
    """100 ms once a second: 0.1 x 10 + 0.9 x 1 = 1.9 mW.

    1 Ah at 3 V are 10,800 J; 10,800 J / 0.0019 W = 5,684,211 s = 65.79 days.
    """
    cell = batteries.Battery("cell", (1.0, 1.0), voltage_v=3.0, source="made up")
    assert cell.energy_j == (10_800, 10_800)
    busy = modelled(100, 100)
    power = batteries.average_power_w(plain, busy, inferences_per_s=1)
    assert power.value == pytest.approx(0.0019)
    days = batteries.battery_days(plain, busy, inferences_per_s=1, battery=cell)
    assert days.value == pytest.approx(65.789, abs=0.001)
    assert days.kind == "modelled"


def test_one_that_only_sleeps(plain):
    """1 mW for ever: 2,160 J of 0.2 Ah at 3 V last 2,160,000 s = 25 days."""
    cell = batteries.Battery("cell", (0.2, 0.2), voltage_v=3.0, source="made up")
    days = batteries.battery_days(plain, modelled(50, 60), inferences_per_s=0, battery=cell)
    assert [days.low, days.value, days.high] == pytest.approx([25, 25, 25])


def test_the_worst_of_all_ranges_gives_the_low_end():
    """Low: 1,620 J / (18.9 mW x 0.2 + 9.48 uW x 0.8) = 427,715 s = 4.950 days.

    High: 2,430 J / (9.9 mW x 0.1 + 7.05 uW x 0.9) = 2,438,915 s = 28.228 days.
    """
    days = batteries.battery_days(
        BOARDS["nrf52840"], modelled(100, 200), inferences_per_s=1, battery=BATTERIES["CR2032"]
    )
    assert days.low == pytest.approx(4.950, abs=0.001)
    assert days.high == pytest.approx(28.228, abs=0.001)


@given(key=KEYS, cell=CELLS, low=MS, more=MS, rate=RATES)
def test_ranges_keep_their_order_and_more_work_never_lasts_longer(key, cell, low, more, rate):
    board, battery = BOARDS[key], BATTERIES[cell]

    def days(latency, inferences_per_s):
        return batteries.battery_days(
            board, latency, inferences_per_s=inferences_per_s, battery=battery
        )

    given_days = days(modelled(low, low + more), rate)
    assert 0 < given_days.low <= given_days.value <= given_days.high
    for less in (days(modelled(low, low), rate), days(modelled(low, low + more), rate / 2)):
        for end in ("low", "high"):
            assert getattr(less, end) >= getattr(given_days, end) * (1 - ROUNDING)


@given(low=MS, more=MS, rate=RATES)
def test_the_mean_power_lies_between_sleeping_and_running(low, more, rate):
    board = BOARDS["stm32l4r5"]
    power = batteries.average_power_w(board, modelled(low, low + more), inferences_per_s=rate)
    assert board.sleep_power_w[0] * (1 - ROUNDING) <= power.low
    assert power.high <= board.active_power_w[1] * (1 + ROUNDING)


def test_a_battery_twice_as_large_lasts_twice_as_long():
    small = BATTERIES["LiPo"]
    large = dataclasses.replace(small, capacity_ah=tuple(2 * x for x in small.capacity_ah))
    busy = modelled(50, 60)
    one, two = (
        batteries.battery_days(BOARDS["stm32l4r5"], busy, inferences_per_s=5, battery=each)
        for each in (small, large)
    )
    assert [two.low, two.value, two.high] == pytest.approx(
        [2 * one.low, 2 * one.value, 2 * one.high]
    )


@pytest.mark.parametrize(
    ("latency", "message"),
    [
        (modelled(110, 120), "cannot keep up with 10 inferences a second: one takes 115 ms"),
        (modelled(90, 125), "may not keep up with 10 .*; ask at most 8 a second, or make the"),
    ],
)
def test_a_board_that_is_too_slow_is_named(latency, message):
    with pytest.raises(ValueError, match=f"nRF52840 DK {message}"):
        batteries.average_power_w(BOARDS["nrf52840"], latency, inferences_per_s=10)


@pytest.mark.parametrize("rate", [-1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match=r"inferences_per_s is .*; give a number >= 0"):
        batteries.average_power_w(BOARDS["nrf52840"], modelled(1, 1), inferences_per_s=rate)


@pytest.mark.parametrize(
    "change", [{"capacity_ah": (0.2, 0.1)}, {"capacity_ah": (0, 1)}, {"voltage_v": 0}]
)
def test_what_is_no_battery_is_refused(change):
    with pytest.raises(ValueError, match=r"CR2032 coin cell has .* Ah at .* V; give 0 < low"):
        dataclasses.replace(BATTERIES["CR2032"], **change)


def test_every_battery_has_a_source():
    assert all(len(battery.source) > 20 for battery in BATTERIES.values())


def test_a_published_latency_stands_in_where_no_cycles_are_known():
    from labs.shared.published import PUBLISHED

    (one,) = [each for each in PUBLISHED if each.board_key == "stm32f746"]
    assert boards.latency_ms(one.board, (1e6, 1e6)) is None
    assert batteries.average_power_w(one.board, one.latency, inferences_per_s=1).value > 0
