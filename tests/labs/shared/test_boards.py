"""Boards: what their table holds, whether programs fit, and how long they take."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.shared import boards
from labs.shared.boards import BOARDS

KEYS = st.sampled_from(sorted(BOARDS))
SIZES = st.integers(0, 4 * 1024 * 1024)
COUNTS = st.floats(1.0, 1e10)


@pytest.mark.parametrize("key", sorted(BOARDS))
def test_every_number_has_a_source(key):
    board = BOARDS[key]
    assert set(board.sources) == set(boards.SOURCED)
    assert all(len(text) > 15 for text in board.sources.values())


def test_the_boards_that_the_lab_needs():
    assert {board.core for board in BOARDS.values()} == set(boards.CORES)
    assert all(board.has_dsp == (board.core in ("m4", "m7", "m33")) for board in BOARDS.values())
    assert BOARDS["stm32l4r5"].clock_hz == 120e6


def test_what_is_only_believed_is_wide():
    """A range that says belief at one of its ends spans at least a factor of 1.5."""
    for board in BOARDS.values():
        ranges = {"active": board.active_power_w, "sleep": board.sleep_power_w}
        believed = {what: x for what, x in ranges.items() if "belief" in board.sources[what]}
        assert all(high / low >= 1.5 for low, high in believed.values()), board.name


def test_measured_powers_are_energy_by_time():
    """MLPerf Tiny: 5,481.633 uJ x 13.759/s = 75,422 uW; 3,371.738 x 13.314 = 44,891 uW."""
    low, high = BOARDS["stm32l4r5"].active_power_w
    assert low == pytest.approx(3371.738e-6 * 13.314, rel=1e-3)
    assert high == pytest.approx(5481.633e-6 * 13.759, rel=1e-3)
    low, high = BOARDS["stm32h7a3"].active_power_w
    assert low == pytest.approx(2362.103e-6 * 60.988, rel=1e-3)
    assert high == pytest.approx(162_767.658e-6, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"core": "a53"}, "core of .* is 'a53'; give one of m0plus, m3, m4, m7, m33"),
        ({"active_power_w": (0.02, 0.01)}, "active_power_w of .* is 0.02..0.01; give 0 < low"),
        ({"sleep_power_w": (0.0, 0.01)}, "sleep_power_w of .* is 0.0..0.01"),
        ({"sleep_power_w": (1e-6, 1.0)}, "asleep takes more than running"),
        ({"sources": {"memory": "here", "active": ""}}, "no source for active, sleep; add it"),
    ],
)
def test_what_is_no_board_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(BOARDS["nrf52840"], **change)


@pytest.mark.parametrize("key", sorted(BOARDS))
def test_the_last_byte_fits_and_one_more_does_not(key):
    board = BOARDS[key]
    full = boards.fit(board, flash_bytes=board.flash_bytes, ram_bytes=board.ram_bytes)
    assert (full.is_fitting, full.flash_short_bytes, full.ram_short_bytes) == (True, 0, 0)
    over = boards.fit(board, flash_bytes=board.flash_bytes + 1, ram_bytes=board.ram_bytes + 3)
    assert (over.is_fitting, over.flash_short_bytes, over.ram_short_bytes) == (False, 1, 3)
    assert "flash is 1 B short" in over.text
    assert "RAM is 3 B short" in over.text


@given(key=KEYS, flash=SIZES, ram=SIZES, more=SIZES)
def test_what_needs_more_never_fits_better(key, flash, ram, more):
    small = boards.fit(BOARDS[key], flash_bytes=flash, ram_bytes=ram)
    for needs in (
        {"flash_bytes": flash + more, "ram_bytes": ram},
        {"flash_bytes": flash, "ram_bytes": ram + more},
    ):
        large = boards.fit(BOARDS[key], **needs)
        assert small.is_fitting or not large.is_fitting
        assert large.flash_short_bytes >= small.flash_short_bytes
        assert large.ram_short_bytes >= small.ram_short_bytes


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="ram_bytes is -1; give a size in bytes, >= 0"):
        boards.fit(BOARDS["rp2040"], flash_bytes=0, ram_bytes=-1)


def test_latency_is_cycles_by_clock():
    """6.4 M cycles at 64 MHz are 100 ms; 12.8 M are 200 ms; the middle is 150 ms."""
    latency = boards.latency_ms(BOARDS["nrf52840"], (6.4e6, 12.8e6))
    assert (latency.low, latency.value, latency.high) == (100, 150, 200)
    assert latency.kind == "modelled"


@given(key=KEYS, low=COUNTS, more=COUNTS)
def test_latency_rises_with_cycles_and_is_never_guessed(key, low, more):
    board = BOARDS[key]
    first = boards.latency_ms(board, (low, low))
    wider = boards.latency_ms(board, (low, low + more))
    if board.core not in boards.CORES_WITH_CYCLES:
        assert first is wider is None
        return
    assert first.low == wider.low <= wider.value <= wider.high
    assert wider.high >= first.high


def test_without_cycles_there_is_no_latency():
    assert boards.latency_ms(BOARDS["nrf52840"], None) is None


@pytest.mark.parametrize("cycles", [(0, 1), (2, 1), (1, float("inf")), (float("nan"), 1)])
def test_cycles_that_are_no_range_are_refused(cycles):
    with pytest.raises(ValueError, match="give \\(low, high\\) with 0 < low <= high"):
        boards.latency_ms(BOARDS["nrf52840"], cycles)


def test_energy_is_power_by_time():
    """9.9 to 18.9 mW for 100 to 200 ms: 990 to 3,780 uJ; 14.4 mW for 150 ms: 2,160 uJ."""
    board = BOARDS["nrf52840"]
    energy = boards.energy_per_inference_uj(board, boards.latency_ms(board, (6.4e6, 12.8e6)))
    assert [energy.low, energy.value, energy.high] == pytest.approx([990, 2160, 3780])


@given(key=KEYS, low=COUNTS, more=COUNTS)
def test_energy_rises_with_cycles(key, low, more):
    board = BOARDS[key]
    short, long = (boards.latency_ms(BOARDS["rp2040"], (low, high)) for high in (low, low + more))
    first, second = (boards.energy_per_inference_uj(board, each) for each in (short, long))
    assert first.low == second.low <= second.value <= second.high
    assert second.high >= first.high
