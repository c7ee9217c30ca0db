"""Where two models of the same board differ, and by how much: one input at a time.

The replacement model and ACT price a 7 nm die with other energy, another grid and another yield.
Exchanging one input of the first for that of the second says what each difference is worth; since
they multiply, the parts do not add up to the whole.
"""

import math
from collections.abc import Mapping

from labs.seminar.carbon_footprint import act, boards, replacement, tables

Pair = tuple[float, float]


def die_pair_kg(board: boards.Board) -> Pair:
    """Return what ACT and the replacement model give for the dies of a board, the lower first [kg].

    Parameters
    ----------
    board
        One of `boards.BOARDS` whose node both know; for 12 nm ACT's 14 nm stands in, for 4 nm
        its 5 nm.
    """
    process = tables.PROCESSES[{12: 14, 4: 5}.get(board.node, board.node)]
    by_act_kg = act.logic_carbon_g(board.die_mm2, process, packages=1) / 1000
    ours = replacement.die_carbon_kg(board.die_row(), dies=board.dies)
    return min(by_act_kg, ours), max(by_act_kg, ours)


def making_pair_kg(board: boards.Board) -> Pair:
    """Return the range of making a board: either model of the die, memory with and without scrap.

    Parameters
    ----------
    board
        As for `die_pair_kg`.
    """
    low, high = die_pair_kg(board)
    whole = replacement.memory_carbon_kg(board.memory_row())
    return low + whole * boards.STACK_YIELD**board.stacks, high + whole


def exchanged_kg(board: boards.Board) -> dict[str, float]:
    """Return the die of a board by the replacement model with one input of ACT's each time [kg].

    Parameters
    ----------
    board
        One whose node both models know.

    Examples
    --------
    >>> list(exchanged_kg(boards.BOARDS["A100-PCIe"]))[0]
    'replacement model'
    """
    own = board.die_row()
    process = tables.PROCESSES[board.node]
    area_cm2 = own["area_cm2"]
    grids = boards.FAB_KG_PER_KWH, tables.FAB_G_PER_KWH / 1000
    epas = own["epa_kwh_per_cm2"], process["epa_kwh_per_cm2"]
    gases = own["gpa_kg_per_cm2"], act.gas_g_per_cm2(process, 97) / 1000
    yields = math.exp(-boards.DEFECTS_PER_CM2 * area_cm2), tables.FAB_YIELD
    named = {"grid of the fab": grids, "energy": epas, "gases": gases, "yield": yields}

    def made_kg(taken: Mapping[str, float]) -> float:
        energy_kg = taken["grid of the fab"] * taken["energy"]
        per_cm2_kg = energy_kg + taken["gases"] + boards.MATERIALS_KG_PER_CM2
        return area_cm2 * per_cm2_kg / taken["yield"]

    first = {name: pair[0] for name, pair in named.items()}
    rows = {"replacement model": made_kg(first)}
    for name, (_, theirs) in named.items():
        rows[f"with ACT's {name}"] = made_kg({**first, name: theirs})
    return {**rows, "ACT": made_kg({name: pair[1] for name, pair in named.items()})}
