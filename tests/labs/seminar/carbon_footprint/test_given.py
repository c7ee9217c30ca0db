"""The given functions on cases that were worked out by hand."""

import math

import pytest

from labs.seminar.carbon_footprint import boards, given, server, tables


def test_grams_with_their_labels() -> None:
    rows = [source.row() for source in tables.grid_sources("DEU")]
    low, high = given.operational_g(10.0, 1.5, rows)
    assert low == (pytest.approx(5010), "Electricity Maps 2024")
    assert high[1] == "Our World in Data 2023"
    with pytest.raises(ValueError, match=r"pue is 0\.9"):
        given.operational_g(1.0, 0.9, rows)
    with pytest.raises(ValueError, match="no source with the basis location"):
        given.operational_g(1.0, 1.1, rows[2:])


def test_making() -> None:
    fab = {"fab_g_per_kwh": 583, "abatement": 97, "fab_yield": 0.875, "packages": 1}
    assert given.logic_g(826, tables.PROCESSES[7], **fab) == pytest.approx(19298.6, abs=0.05)
    assert sum(given.bill_g(server.parts()).values()) == pytest.approx(server.ACT_TOTAL_G, abs=0.05)
    board = boards.BOARDS["V100"]
    assert sum(given.board_kg(board.die_row(), board.memory_row())) == pytest.approx(35.1, abs=0.05)


def test_break_even_takes_every_corner() -> None:
    made, old, new, grid = (436.8, 873.6), (1500, 2000), (500, 1000), (100, 200)
    low, high = given.break_even_y(made, old, new, grid)
    assert (low, high) == (pytest.approx(1 / 6), pytest.approx(2))
    assert given.break_even_y(made, (900, 2000), new, grid)[1] == math.inf
    assert given.break_even_y(made, (1, 2), new, grid) == (math.inf, math.inf)


def test_using() -> None:
    machine = {"busy_w": 500, "idle_w": 100, "embodied_kg": 876, "lifetime_y": 5, "units": 8}
    use = {"used_h": 2, "reserved_h": 10, "units": 8}
    assert given.sci_g(machine, use, g_per_kwh=100, functional_units=10) == pytest.approx(38)
    assert given.requests_to_match(10, 4) == 3
    run = {"dynamic_kwh": 1000, "idle_kwh": 500, "gpu_h": 0}
    host = {"server_kg": 1, "gpu_kg": 1, "gpus": 1, "lifetime_y": 1, "utilisation": 1}
    split = given.training_split_t(run, host, 100)
    assert split == pytest.approx({"dynamic": 0.1, "idle": 0.05, "embodied": 0})
