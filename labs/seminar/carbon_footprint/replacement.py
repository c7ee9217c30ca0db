"""The replacement model: what a new board costs to make, and when it has paid for itself.

Formulas of hpides/gpu-lifecycle-analysis at dac0a62; constants in `boards`. Ranges are pairs (low,
high), and between their ends nothing is more likely than anything else. The model counts boards
alone: no server, no cooling, no transport, and nothing is saved by scrapping the old one.
"""

import math
from collections.abc import Mapping

from course_utils import units
from labs.seminar.carbon_footprint import boards

Pair = tuple[float, float]


def die_carbon_kg(
    die: Mapping[str, float], *, dies: int = 1, defects_per_cm2: float = boards.DEFECTS_PER_CM2
) -> float:
    """Return the carbon of the dies of a board, scrap included [kg].

    Parameters
    ----------
    die
        As `boards.Board.die_row` returns it; its area is that of all dies.
    dies
        Into how many the area is cut; each is tested before it is mounted.
    defects_per_cm2
        Mean of a Poisson distribution, so that ``exp(-defects * area)`` of the dies have none.

    Examples
    --------
    >>> round(die_carbon_kg(boards.BOARDS["A100-PCIe"].die_row()), 1)
    28.6
    """
    fab_yield = math.exp(-defects_per_cm2 * die["area_cm2"] / dies)
    energy_kg = boards.FAB_KG_PER_KWH * die["epa_kwh_per_cm2"]
    per_cm2_kg = energy_kg + die["gpa_kg_per_cm2"] + boards.MATERIALS_KG_PER_CM2
    return die["area_cm2"] * per_cm2_kg / fab_yield


def memory_carbon_kg(memory: Mapping[str, float]) -> float:
    """Return the carbon of a board's memory; each stack may spoil all of it [kg].

    Parameters
    ----------
    memory
        As `boards.Board.memory_row` returns it.
    """
    return memory["gb"] * memory["kg_per_gb"] / math.pow(boards.STACK_YIELD, memory["stacks"])


def board_carbon_kg(board: boards.Board, *, dies: int = 1) -> float:
    """Return the carbon of making a board [kg].

    Parameters
    ----------
    board
        One of `boards.BOARDS`.
    dies
        As for `die_carbon_kg`. The published numbers have 1 for every board: the correction for
        two dies looks for the name ``B200_HGX``, and the table says ``B200``.

    Examples
    --------
    >>> round(board_carbon_kg(boards.BOARDS["V100"]), 1)
    35.1
    """
    return die_carbon_kg(board.die_row(), dies=dies) + memory_carbon_kg(board.memory_row())


def payback_y(kg: float, saved_w: float, *, g_per_kwh: float) -> float:
    """Return the years until what is saved equals what was emitted; infinite if nothing is saved.

    Parameters
    ----------
    kg
        Of making the new hardware [kg].
    saved_w
        Mean power that it saves [W]; may be negative.
    g_per_kwh
        Of the grid, above 0.

    Examples
    --------
    1 kW saves 8736 kWh a year; at 100 g/kWh these are 873.6 kg.

    >>> payback_y(436.8, 1000, g_per_kwh=100), payback_y(436.8, -1, g_per_kwh=100)
    (0.5, inf)
    """
    if saved_w <= 0:
        return math.inf
    saved_kg_a_year = saved_w / 1000 * boards.H_PER_Y * g_per_kwh / units.G_PER_KG
    return kg / saved_kg_a_year


def replacement_y(
    old: boards.Board,
    new: boards.Board,
    *,
    utilisation: float,
    g_per_kwh: float,
    work: float = 1.0,
    kg: float | None = None,
) -> float:
    """Return the years until a new board has paid for itself, both equally busy.

    Parameters
    ----------
    old, new
        Two of `boards.BOARDS`.
    utilisation
        Of both, from 0 to 1.
    g_per_kwh
        Of the grid.
    work
        Old boards that one new one stands for; 1 compares equal hours.
    kg
        Of making the new board; that of the model without it.

    Examples
    --------
    >>> v100, a100 = boards.BOARDS["V100"], boards.BOARDS["A100-PCIe"]
    >>> round(replacement_y(v100, a100, utilisation=0.75, g_per_kwh=23), 2)
    5.66
    """
    made_kg = board_carbon_kg(new) if kg is None else kg
    saved_w = work * old.power_w(utilisation) - new.power_w(utilisation)
    return payback_y(made_kg, saved_w, g_per_kwh=g_per_kwh)
