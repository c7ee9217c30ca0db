"""Two models of one die: the ends are theirs, and each exchange is the one it says."""

import pytest

from labs.seminar.carbon_footprint import act, boards, comparing, replacement, tables

A100 = boards.BOARDS["A100-PCIe"]


def test_the_die_of_an_a100_by_both_models() -> None:
    """ACT 19.3 kg (19 298.6 g with its package), the replacement model 28.6 kg."""
    low, high = comparing.die_pair_kg(A100)
    assert (round(low, 1), round(high, 1)) == (19.3, 28.6)


def test_first_and_last_are_the_models_themselves() -> None:
    rows = comparing.exchanged_kg(A100)
    own = replacement.die_carbon_kg(A100.die_row())
    theirs = act.logic_carbon_g(A100.die_mm2, tables.PROCESSES[7], packages=0) / 1000
    assert rows["replacement model"] == pytest.approx(own, rel=1e-12)
    assert rows["ACT"] == pytest.approx(theirs, rel=1e-12)


def test_energy_and_yield_differ_and_gases_agree() -> None:
    """7 nm: 2.15 against 1.52 kWh/cm2, and 275 g of gases in both."""
    rows = comparing.exchanged_kg(A100)
    own = rows["replacement model"]
    per_cm2 = 0.486 * 1.52 + 0.275 + 0.5
    assert rows["with ACT's gases"] == pytest.approx(own, rel=1e-12)
    more = (0.486 * 2.15 + 0.775) / per_cm2
    assert rows["with ACT's energy"] == pytest.approx(own * more, rel=1e-12)
    assert rows["with ACT's yield"] < rows["ACT"] < own < rows["with ACT's energy"]


@pytest.mark.parametrize("name", boards.BOARDS)
def test_the_range_of_making_holds_both_models(name: str) -> None:
    board = boards.BOARDS[name]
    low, high = comparing.making_pair_kg(board)
    assert 0 < low < high
    modelled = replacement.board_carbon_kg(board, dies=board.dies)
    assert low <= modelled <= high * (1 + 1e-12)
