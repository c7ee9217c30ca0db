"""ACT's model of making hardware: dies by area, memories by capacity, packages by number.

Gupta and others, "ACT: Designing Sustainable Computer Systems With An Architectural Carbon
Modeling Tool", ISCA 2022. Written anew from the formulas; the constants are in `tables`. This
module knows nothing of using the hardware.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from labs.seminar.carbon_footprint import tables

ABATEMENTS = (95, 97, 99)


def gas_g_per_cm2(process: Mapping[str, float], abatement: int) -> float:
    """Return the gases of a process [g/cm2]; 97 % is ACT's mean of the other two.

    Parameters
    ----------
    process
        A row of `tables.PROCESSES`.
    abatement
        Share of the gases that is destroyed: 95, 97 or 99 [%].

    Raises
    ------
    ValueError
        If the abatement is none of them.

    Examples
    --------
    >>> gas_g_per_cm2(tables.PROCESSES[7], 97)
    275.0
    """
    if abatement not in ABATEMENTS:
        raise ValueError(f"abatement is {abatement}; give one of {ABATEMENTS}")
    ends = process["gpa95_g_per_cm2"], process["gpa99_g_per_cm2"]
    return {95: ends[0], 97: sum(ends) / 2, 99: ends[1]}[abatement]


def carbon_per_area_g(
    process: Mapping[str, float],
    *,
    fab_g_per_kwh: float = tables.FAB_G_PER_KWH,
    abatement: int = 97,
    fab_yield: float = tables.FAB_YIELD,
) -> float:
    """Return the carbon of a square centimetre of good dies, ``(CI * EPA + GPA + MPA) / Y``.

    Parameters
    ----------
    process
        A row of `tables.PROCESSES`.
    fab_g_per_kwh
        Of the fab's grid.
    abatement
        As for `gas_g_per_cm2`.
    fab_yield
        Share of the area that works, above 0 and at most 1.

    Raises
    ------
    ValueError
        If the yield is out of range.

    Examples
    --------
    >>> round(carbon_per_area_g(tables.PROCESSES[28]), 1)
    1328.2
    """
    if not 0 < fab_yield <= 1:
        raise ValueError(f"fab_yield is {fab_yield}; give a share above 0 and at most 1")
    energy_g = fab_g_per_kwh * process["epa_kwh_per_cm2"]
    gases_g = gas_g_per_cm2(process, abatement)
    return (energy_g + gases_g + tables.MATERIALS_G_PER_CM2) / fab_yield


def logic_carbon_g(
    area_mm2: float, process: Mapping[str, float], *, packages: int = 1, **fab: Any
) -> float:
    """Return the carbon of a die with its packages [g].

    Parameters
    ----------
    area_mm2
        Of the die [mm2].
    process
        A row of `tables.PROCESSES`.
    packages
        How many; each costs the same, whatever the yield.
    fab
        As for `carbon_per_area_g`.

    Examples
    --------
    >>> round(logic_carbon_g(826, tables.PROCESSES[7]), 1)
    19298.6
    """
    return area_mm2 / 100 * carbon_per_area_g(process, **fab) + packages * tables.PACKAGE_G


def memory_carbon_g(
    capacity_gb: float, g_per_gb: float, *, fab_yield: float = tables.FAB_YIELD
) -> float:
    """Return the carbon of memory or flash without packages [g].

    Parameters
    ----------
    capacity_gb, g_per_gb
        Size [GB], and carbon a gigabyte before the yield.
    fab_yield
        ACT's code divides by it, the formula in its README does not: 1 gives the latter.

    Examples
    --------
    >>> round(memory_carbon_g(64, tables.DRAM_G_PER_GB["ddr4_10"]), 1)
    4754.3
    """
    return capacity_gb * g_per_gb / fab_yield


def bill_carbon_g(parts: Sequence[Mapping[str, Any]], *, memory_yield: bool) -> dict[str, float]:
    """Return the carbon of a bill of materials by kind, packages on their own [g].

    Parameters
    ----------
    parts
        As `server.parts` returns them.
    memory_yield
        Whether memory is divided by its yield, as in ACT's code, or not, as in its README.
    """
    kinds = dict.fromkeys([part["kind"] for part in parts], 0.0)
    packages = sum(part["count"] * part["packages"] for part in parts)
    for part in parts:
        if "area_cm2" in part:
            made_g = part["area_cm2"] * part["g_per_cm2"] / part["yield"]
        else:
            fab_yield = part["yield"] if memory_yield else 1.0
            made_g = memory_carbon_g(part["capacity_gb"], part["g_per_gb"], fab_yield=fab_yield)
        kinds[part["kind"]] += part["count"] * made_g
    return {**kinds, "packages": packages * tables.PACKAGE_G}
