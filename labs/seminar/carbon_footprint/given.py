"""The functions that stand in for yours until yours are right.

They ask the calculators of this lab for what you are asked to work out, so there is nothing to
copy; while your own function is checked, this module and those are out of reach.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from course_utils import carbon, units
from labs.seminar.carbon_footprint import act, life, replacement

Pair = tuple[float, float]
Labelled = tuple[float, str]


def operational_g(
    it_kwh: float, pue: float, sources: Sequence[Mapping[str, Any]]
) -> tuple[Labelled, Labelled]:
    """Return the least and the most grams that location-based sources give, each with its label.

    Parameters
    ----------
    it_kwh
        Energy of the computers [kWh].
    pue
        Power usage effectiveness of the building, >= 1.
    sources
        Each with ``name``, ``year``, ``g_per_kwh`` and ``basis``.

    Raises
    ------
    ValueError
        If the PUE is below 1 or no source counts.
    """
    if pue < 1:
        raise ValueError(f"pue is {pue}; give at least 1")
    energy_j = it_kwh * units.J_PER_KWH
    found = sorted(
        (
            carbon.operational_carbon_g(energy_j, each["g_per_kwh"], pue=pue),
            f"{each['name']} {each['year']}",
        )
        for each in sources
        if each["basis"] == "location"
    )
    if not found:
        raise ValueError("no source with the basis location; give at least one")
    return found[0], found[-1]


def logic_g(
    area_mm2: float,
    process: Mapping[str, float],
    *,
    fab_g_per_kwh: float,
    abatement: int,
    fab_yield: float,
    packages: int,
) -> float:
    """Return the carbon of a die with its packages by ACT [g].

    Parameters
    ----------
    area_mm2, process
        Area [mm2], and a row of `tables.PROCESSES`.
    fab_g_per_kwh, abatement, fab_yield
        Grid of the fab, gases destroyed [%], and share of good area.
    packages
        How many.
    """
    fab: dict[str, Any] = {"fab_g_per_kwh": fab_g_per_kwh, "fab_yield": fab_yield}
    return act.logic_carbon_g(area_mm2, process, packages=packages, abatement=abatement, **fab)


def bill_g(parts: Sequence[Mapping[str, Any]], memory_yield: bool = True) -> dict[str, float]:
    """Return the carbon of a bill of materials by kind, packages on their own [g].

    Parameters
    ----------
    parts
        As `server.parts` returns them.
    memory_yield
        Whether memory is divided by its yield.
    """
    return act.bill_carbon_g(parts, memory_yield=memory_yield)


def board_kg(die: Mapping[str, float], memory: Mapping[str, float], dies: int = 1) -> Pair:
    """Return the carbon of a board's dies and of its memory by the replacement model [kg].

    Parameters
    ----------
    die, memory
        As `boards.Board.die_row` and `boards.Board.memory_row` return them.
    dies
        Into how many the area is cut.
    """
    return replacement.die_carbon_kg(die, dies=dies), replacement.memory_carbon_kg(memory)


def sci_g(
    machine: Mapping[str, float],
    use: Mapping[str, float],
    *,
    g_per_kwh: float,
    functional_units: float,
) -> float:
    """Return the Software Carbon Intensity of a use of a machine [g per unit].

    Parameters
    ----------
    machine, use
        As for `life.intensity_g`.
    g_per_kwh
        Of the place.
    functional_units
        R, above 0.
    """
    return life.intensity_g(machine, use, g_per_kwh=g_per_kwh, functional_units=functional_units)


def break_even_y(
    embodied_kg: Pair, old_w: Pair, new_w: Pair, g_per_kwh: Pair, work: float = 1.0
) -> Pair:
    """Return the earliest and the latest break-even over all corners of the ranges [years].

    Parameters
    ----------
    embodied_kg
        Of making the new hardware.
    old_w, new_w
        Mean power of the old and of the new hardware.
    g_per_kwh
        Of the grid.
    work
        Old machines that a new one stands for.
    """
    found = [
        replacement.payback_y(kg, work * old - new, g_per_kwh=grid)
        for kg, old, new, grid in itertools.product(embodied_kg, old_w, new_w, g_per_kwh)
    ]
    return min(found), max(found)


def training_split_t(
    run: Mapping[str, float], machine: Mapping[str, float], g_per_kwh: float
) -> dict[str, float]:
    """Return the carbon of a training run by cause [t].

    Parameters
    ----------
    run, machine
        As `bloom.RUN` and `bloom.MACHINE`.
    g_per_kwh
        Of the grid.
    """
    return life.split_t(run, machine, g_per_kwh=g_per_kwh)


def requests_to_match(training_g: float, request_g: float) -> int:
    """Return how many requests emit at least as much as the training.

    Parameters
    ----------
    training_g, request_g
        Of the training and of one request [g].
    """
    return life.matching_requests(training_g, request_g)
