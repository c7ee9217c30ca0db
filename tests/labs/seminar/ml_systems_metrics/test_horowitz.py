"""Published energies, and the bounds that follow."""

import pytest

from labs.seminar.ml_systems_metrics import given, horowitz
from labs.seminar.ml_systems_metrics.published import HOROWITZ_PJ


def test_the_relative_column_of_the_courses_table():
    """Horowitz, ISSCC 2014, relative to an int8 addition, as the course's table rounds it."""
    want = [1, 1.7, 3.3, 13, 30, 6.7, 103, 37, 123, 167, 21_333]
    column = given.relative_energy(HOROWITZ_PJ, "int8 add")
    # Rounded to 2 or more digits: at most half a unit of the second.
    assert list(column.values()) == pytest.approx(want, rel=0.04)
    assert column["DRAM read"] == pytest.approx(21_333, abs=0.5)


def test_the_arithmetic_of_the_keyword_spotter():
    """2,656,768 MACs take 0.80 uJ in int8 and 12.2 uJ in float32 (2.4 of the course's notes)."""
    macs = 2_656_768
    for precision, want_uj in (("int8", 0.80), ("float32", 12.2)):
        arithmetic, _ = given.layer_energy_pj((1, macs, 1, 1, 1), precision, HOROWITZ_PJ)
        assert arithmetic / horowitz.PJ_PER_UJ == pytest.approx(want_uj, abs=0.05)


def test_its_weights_cost_more_to_fetch_than_int8_arithmetic():
    """22,604 bytes are 5,651 words of 640 pJ, 3.6 uJ; input and output of the shape add two."""
    _, dram = given.layer_energy_pj((1, 22_604, 1, 1, 1), "int8", HOROWITZ_PJ)
    weights_pj = dram - HOROWITZ_PJ["DRAM read"] * (1 + 5_651)
    assert weights_pj == pytest.approx(5_651 * 640)
    assert weights_pj / horowitz.PJ_PER_UJ == pytest.approx(3.6, abs=0.05)


def test_the_parts_of_a_bar_add_up_to_one():
    bars = horowitz.energy_bars(given.layer_energy_pj)
    assert len(bars) == 2 * len(horowitz.SHAPES)
    for bar in bars.values():
        assert sum(part.value for part in bar.values()) == pytest.approx(1)
        assert {part.kind for part in bar.values()} == {"modelled"}


def test_macs_of_a_shape_by_hand():
    assert horowitz.Shape(2, 3, 3, 4, 5).macs == 54 * 20
