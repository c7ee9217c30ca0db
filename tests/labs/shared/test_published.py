"""Published measurements: what follows from them, and that they agree with what the lab says."""

import pytest

from labs.mcu_compression import operations
from labs.shared import published
from labs.shared.boards import BOARDS
from labs.shared.published import PUBLISHED


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: f"{one.stack} on {one.board_key}")
def test_each_has_a_board_and_a_source(one):
    assert one.board is BOARDS[one.board_key]
    assert one.source.startswith("mlcommons/tiny_results_v")
    assert one.latency.kind == "assumed"


def test_cycles_are_clock_by_rate():
    """120 MHz / 5.497 a second = 21.83 M cycles and 181.9 ms; / 13.759: 8.72 M."""
    first, *_ = PUBLISHED
    assert first.cycles == pytest.approx(21.83e6, rel=1e-3)
    assert first.latency.value == pytest.approx(181.9, rel=1e-3)
    assert first.energy is None
    fastest = max(
        (p for p in PUBLISHED if p.board_key == "stm32l4r5"), key=lambda p: p.inferences_per_s
    )
    assert fastest.cycles == pytest.approx(8.72e6, rel=1e-3)


def test_the_energy_that_section_1_compares_with_is_one_of_these():
    (one,) = [p for p in PUBLISHED if p.stack == "X-CUBE-AI 8.0.0" and p.board_key == "stm32l4r5"]
    assert round(one.energy.value) == operations.DEVICE_INFERENCE_UJ.value


def test_published_energies_lie_within_the_boards_power():
    for one in PUBLISHED:
        if one.energy is not None:
            low, high = one.board.active_power_w
            assert 0.999 * low <= one.energy.value * 1e-6 * one.inferences_per_s <= 1.001 * high


def test_rows_show_all_of_them():
    rows = published.rows()
    assert len(rows) == len(PUBLISHED)
    assert [row["energy"] for row in rows].count("") == sum(p.energy is None for p in PUBLISHED)
