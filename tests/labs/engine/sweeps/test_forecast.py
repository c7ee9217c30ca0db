"""What the rest will take: sums that can be done by hand."""

import pytest

from course_utils.carbon import grid_intensity
from labs.engine.sweeps.forecast import forecast, spent, spread

GERMANY = grid_intensity("DEU")


def record(duration_s, cpu_s):
    return {"provenance": {"duration_s": duration_s, "cpu_s": cpu_s}}


def test_time_energy_and_carbon_follow_from_the_runs_seen():
    made = forecast([record(10, 5), record(30, 15)], 12, slots=2, grid=GERMANY)
    assert (made.duration_s.low, made.duration_s.value, made.duration_s.high) == (60, 120, 180)
    assert (made.cpu_s.low, made.cpu_s.value, made.cpu_s.high) == (60, 120, 180)
    # 4 W a busy core, and 40 % that the model may be off.
    assert made.energy_j.value == pytest.approx(480)
    assert made.energy_j.low == pytest.approx(60 * 4 * 0.6)
    assert made.energy_j.high == pytest.approx(180 * 4 * 1.4)
    assert made.carbon_g.value == pytest.approx(480 / 3.6e6 * GERMANY.g_per_kwh)
    kinds = {each.kind for each in (made.duration_s, made.cpu_s, made.energy_j, made.carbon_g)}
    assert kinds == {"modelled"}


def test_fewer_runs_than_places_still_take_as_long_as_one():
    assert forecast([record(10, 5)], 1, slots=8, grid=GERMANY).duration_s.value == 10


def test_one_run_gives_no_range_and_says_so():
    text = forecast([record(10, 5)], 4, slots=2, grid=GERMANY).describe()
    assert text.startswith("forecast for 4 runs: 20 s, 80 J [48, 112], ")
    assert "from 1 run, which gives no range" in text
    assert "Germany" in text
    both = forecast([record(10, 5), record(20, 5)], 4, slots=2, grid=GERMANY).describe()
    assert "30 s [20 s to 40 s]" in both


def test_what_was_spent_is_the_sum_of_all_runs():
    assert spent([], GERMANY) == {}
    costs = spent([record(1, 5), record(1, 20)], GERMANY)
    assert costs["energy_j"].value == pytest.approx(100)
    assert costs["carbon_g"].value == pytest.approx(100 / 3.6e6 * GERMANY.g_per_kwh)


@pytest.mark.parametrize("count", range(1, 9))
def test_first_runs_are_distinct_and_reach_both_ends(count):
    names = list("abcdefg")
    chosen = spread(names, count)
    assert len(set(chosen)) == len(chosen) == min(count, len(names))
    assert chosen == sorted(chosen)
    assert chosen[0] == "a"
    assert count == 1 or chosen[-1] == "g"
    assert spread([], count) == []
