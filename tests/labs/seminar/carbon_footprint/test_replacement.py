"""The replacement model against what running hpides/gpu-lifecycle-analysis at dac0a62 gave."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.seminar.carbon_footprint import boards, replacement, tables

V100, A100, H100 = (boards.BOARDS[name] for name in ("V100", "A100-PCIe", "H100"))


@pytest.mark.parametrize("name", boards.BOARDS)
def test_embodied_carbon_of_every_board(name: str) -> None:
    """Published with one decimal. V100, T4 and A40 are independent of it; see `boards.SOLVED`."""
    board = boards.BOARDS[name]
    got_kg = replacement.board_carbon_kg(board)
    assert got_kg == pytest.approx(board.published_kg, abs=0.05)
    assert (name in boards.SOLVED) == (name not in ("V100", "T4", "A40"))


def test_the_published_b200_is_that_of_one_die_of_16_cm2() -> None:
    """The correction looks for B200_HGX; with it two dies of 8 cm2 would give 157.0 kg."""
    board = boards.BOARDS["B200"]
    per_cm2_kg = 0.486 * 2.75 + 0.327 + 0.5
    memory_kg = 180 * 0.24 / 0.95**12
    one = 16 * per_cm2_kg * math.exp(1.6) + memory_kg
    two = 2 * (8 * per_cm2_kg * math.exp(0.8)) + memory_kg
    assert replacement.board_carbon_kg(board) == pytest.approx(one, rel=1e-12)
    assert replacement.board_carbon_kg(board, dies=2) == pytest.approx(two, rel=1e-12)
    assert (round(one, 1), round(two, 1)) == (251.4, 157.0)


@pytest.mark.parametrize(
    ("country", "digits", "want_y"), [("DEU", 2, 0.39), ("SWE", 2, 5.66), ("POL", 2, 0.19)]
)
def test_break_even_at_equal_hours(country: str, digits: int, want_y: float) -> None:
    """V100 to A100-PCIe, 75 % busy. 5.66 gave the idle power; 0.39 and 0.19 then follow."""
    grid = tables.MAPS_G_PER_KWH[country]
    got_y = replacement.replacement_y(V100, A100, utilisation=0.75, g_per_kwh=grid)
    assert round(got_y, digits) == want_y == boards.PUBLISHED_EQUAL_HOURS_Y[country]


@pytest.mark.parametrize(("country", "want_y"), [("DEU", 0.012), ("SWE", 0.171)])
def test_break_even_at_equal_work(country: str, want_y: float) -> None:
    """The ratio of speeds is solved for from 0.171; the other one checks it only weakly."""
    grid = tables.MAPS_G_PER_KWH[country]
    got_y = replacement.replacement_y(
        V100, A100, utilisation=0.75, g_per_kwh=grid, work=boards.WORK_RATIO
    )
    assert round(got_y, 3) == want_y == boards.PUBLISHED_EQUAL_WORK_Y[country]


def test_an_h100_never_pays_back_at_equal_hours() -> None:
    never = replacement.replacement_y(V100, H100, utilisation=0.75, g_per_kwh=23)
    assert never == math.inf


def test_the_year_of_the_model_has_52_weeks() -> None:
    assert boards.H_PER_Y == 8736
    # 1 kW at 1 g/kWh saves 8.736 kg a year.
    assert replacement.payback_y(8.736, 1000, g_per_kwh=1) == pytest.approx(1, rel=1e-12)


@given(kg=st.floats(1, 1000), saved_w=st.floats(1e-3, 1000), grid=st.floats(1, 1000))
def test_at_break_even_both_ways_emitted_the_same(kg: float, saved_w: float, grid: float) -> None:
    years = replacement.payback_y(kg, saved_w, g_per_kwh=grid)
    saved_g = years * 52 * 7 * 24 * saved_w / 1000 * grid
    assert saved_g == pytest.approx(1000 * kg, rel=1e-12)


@given(dies=st.integers(1, 20))
def test_cutting_the_area_never_costs(dies: int) -> None:
    die = boards.BOARDS["B200"].die_row()
    fewer, more = (replacement.die_carbon_kg(die, dies=n) for n in (dies, dies + 1))
    without_scrap = replacement.die_carbon_kg(die, defects_per_cm2=0.0)
    assert without_scrap < more < fewer
