"""Carbon of a computation: electricity, the share of the hardware's making, both per unit of work.

- ``grid_intensity``       grams a kWh of a country, with year and source
- ``operational_carbon``   grams of an energy that was measured, as a result with its interval
- ``operational_carbon_g`` the same for plain numbers: E * PUE * I
- ``embodied_share_g``     grams of making the hardware that fall on one use of it
- ``sci_g``                both per functional unit: Software Carbon Intensity, ISO/IEC 21031:2024

Grams are gCO2e. Sources differ (Germany 334 or 381 g/kWh, Sweden 23 or 41, for about the same
year): name source and year beside every gram. Intensities are yearly means of a country, not those
of the hour, and no contract for green electricity changes them. The table is a file in the package
codecarbon; nothing here uses the network or starts a tracker.
"""

import json
import math
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import metadata
from numbers import Real
from pathlib import Path
from typing import Any

from course_utils import units
from course_utils.errors import MeasurementError
from course_utils.records import Kind, Result

_TABLE = "codecarbon/data/private_infra/global_energy_mix.json"


@dataclass(frozen=True)
class GridIntensity:
    """How much a grid emits for a kWh, and who says so.

    Parameters
    ----------
    country, name
        Code of three letters (ISO 3166-1), and English name.
    g_per_kwh
        Mean over the year [gCO2e/kWh].
    year, source
        What it stands for, and where it is from.

    Examples
    --------
    >>> print(grid_intensity("DEU"))  # doctest: +ELLIPSIS
    Germany: 380.95 gCO2e/kWh (2023, Our World in Data in codecarbon ...)
    """

    country: str
    name: str
    g_per_kwh: float
    year: int
    source: str

    def __str__(self) -> str:
        return f"{self.name}: {self.g_per_kwh:.2f} gCO2e/kWh ({self.year}, {self.source})"


def grid_intensity(country: str) -> GridIntensity:
    """Return the carbon intensity of a country's electricity.

    Parameters
    ----------
    country
        Code of three letters or English name, in any case; `list_countries` has them all.

    Raises
    ------
    MeasurementError
        If the table has no such country; the message offers some that are spelt alike.

    Examples
    --------
    >>> grid_intensity("Sweden").country, grid_intensity("SWE").year
    ('SWE', 2023)
    >>> grid_intensity("Germny")
    Traceback (most recent call last):
    ...
    course_utils.errors.MeasurementError: no grid intensity for country 'Germny'; did you mean \
DEU (Germany)? carbon.list_countries() has all 213
    """
    table, wanted = _table(), country.strip().casefold()
    codes = {row["country_name"].casefold(): code for code, row in table.items()}
    codes |= {code.casefold(): code for code in table}
    if wanted not in codes:
        near = get_close_matches(wanted, codes, cutoff=0.7) if len(wanted) > 2 else ()
        near_codes = dict.fromkeys(codes[text] for text in near)
        offers = " or ".join(f"{code} ({table[code]['country_name']})" for code in near_codes)
        question = f"did you mean {offers}?" if offers else "give three letters, like DEU:"
        raise MeasurementError(
            f"no grid intensity for country {country!r}; {question} "
            f"carbon.list_countries() has all {len(table)}"
        )
    row = table[codes[wanted]]
    source = f"Our World in Data in codecarbon {metadata.version('codecarbon')}"
    grid = row["iso_code"], row["country_name"], row["carbon_intensity"], row["year"]
    return GridIntensity(*grid, source)


def list_countries() -> dict[str, str]:
    """Return the code and the English name of every country in the table, sorted by code.

    Examples
    --------
    >>> list_countries()["FRA"]
    'France'
    """
    return {code: row["country_name"] for code, row in sorted(_table().items())}


@cache
def _table() -> dict[str, dict[str, Any]]:
    # The file alone: an import of codecarbon would load its trackers.
    file = metadata.distribution("codecarbon").locate_file(_TABLE)
    table: dict[str, dict[str, Any]] = json.loads(Path(str(file)).read_text(encoding="utf-8"))
    return table


def operational_carbon_g(energy_j: float, intensity_g_per_kwh: float, *, pue: float = 1.0) -> float:
    """Return the carbon of an amount of electricity, ``E * PUE * I``.

    Parameters
    ----------
    energy_j
        Drawn by the computer [J], >= 0.
    intensity_g_per_kwh
        Carbon intensity of the grid [gCO2e/kWh], >= 0.
    pue
        Power usage effectiveness: what a building draws over what its computers draw, >= 1.
        A laptop has 1; Green Algorithms takes 1.67 as the mean of data centres.

    Raises
    ------
    MeasurementError
        If an input is out of range or not finite.

    Examples
    --------
    >>> operational_carbon_g(3.6e6, 380.0)
    380.0
    """
    _check(energy_j=energy_j, intensity_g_per_kwh=intensity_g_per_kwh)
    _check(at_least=1.0, pue=pue)
    return units.kwh_from_j(energy_j) * pue * intensity_g_per_kwh


def operational_carbon(energy: Result, grid: GridIntensity, *, pue: float = 1.0) -> Result:
    """Return the carbon of a measured energy [gCO2e], with the interval of the energy alone.

    How far off the intensity is nobody states, so it is not in the interval, and the kind is at
    best ``modelled``.

    Parameters
    ----------
    energy
        As from `energy.EnergyPerCall.result` [J].
    grid, pue
        Where the electricity is from, and what the building adds; see `operational_carbon_g`.

    Raises
    ------
    MeasurementError
        If energy or grid is a plain number, or an input is out of range.

    Examples
    --------
    >>> energy = Result(3.6e6, 1.8e6, 5.4e6, n=6, kind="measured")
    >>> operational_carbon(energy, grid_intensity("DEU"))
    Result(value=380.95, low=190.475, high=571.425, n=6, kind='modelled')
    """
    if not (isinstance(energy, Result) and isinstance(grid, GridIntensity)):
        raise MeasurementError(f"give Result, GridIntensity; not {energy!r:.30}, {grid!r:.30}")
    value, low, high = (
        operational_carbon_g(energy_j, grid.g_per_kwh, pue=pue)
        for energy_j in (energy.value, energy.low, energy.high)
    )
    kind: Kind = "assumed" if energy.kind == "assumed" else "modelled"
    return Result(value, low, high, n=energy.n, kind=kind)


def embodied_share_g(
    embodied_kg: float, *, used_s: float, lifetime_y: float, resource_share: float = 1.0
) -> float:
    """Return the carbon of making the hardware that falls on a use, ``M = TE * TS * RS``.

    Parameters
    ----------
    embodied_kg
        TE, all emissions of making (and scrapping) the hardware [kgCO2e], >= 0.
    used_s, lifetime_y
        Time reserved, and expected life (years of 365 days); TS is their ratio, at most 1.
    resource_share
        RS, part of the hardware reserved: 0 to 1.

    Raises
    ------
    MeasurementError
        If an input is out of range, not finite, or the use longer than the life.

    Examples
    --------
    A server of 1000 kg that lasts 4 years, used for 1 h: 1,000,000 g / (4 * 8760 h) * 1 h.

    >>> round(embodied_share_g(1000, used_s=3600, lifetime_y=4), 1)
    28.5
    """
    _check(embodied_kg=embodied_kg, used_s=used_s, lifetime_y=lifetime_y)
    _check(at_most=1.0, resource_share=resource_share)
    lifetime_s = lifetime_y * units.S_PER_Y
    if not 0 < lifetime_s >= used_s:
        raise MeasurementError(f"a use of {used_s} s does not fit a life of {lifetime_y} years")
    return embodied_kg * units.G_PER_KG * used_s / lifetime_s * resource_share


def sci_g(
    energy_j: float,
    embodied_g: float,
    *,
    intensity_g_per_kwh: float,
    functional_units: float,
    pue: float = 1.0,
) -> float:
    """Return the Software Carbon Intensity, ``SCI = (E * I + M) per R`` [gCO2e per unit].

    Parameters
    ----------
    energy_j
        E, of everything reserved for the work, used or idle [J].
    embodied_g
        M, as from `embodied_share_g`, for the same work [gCO2e], >= 0.
    intensity_g_per_kwh
        I, of the place: no certificates, no offsets [gCO2e/kWh].
    functional_units
        R, what the work was for: inferences, images, users; > 0.
    pue
        Makes E of what the computers draw; see `operational_carbon_g`.

    Raises
    ------
    MeasurementError
        If an input is out of range or not finite.

    Examples
    --------
    1 kWh at 380 g and 20 g of hardware, for 1000 inferences: 400 g / 1000.

    >>> sci_g(3.6e6, 20.0, intensity_g_per_kwh=380.0, functional_units=1000)
    0.4
    """
    _check(embodied_g=embodied_g, functional_units=functional_units)
    if functional_units == 0:
        raise MeasurementError("functional_units is 0; count what the work was for, at least one")
    operational_g = operational_carbon_g(energy_j, intensity_g_per_kwh, pue=pue)
    return (operational_g + embodied_g) / functional_units


def _check(at_least: float = 0.0, at_most: float = math.inf, **inputs: float) -> None:
    limits = f"at least {at_least:g}" + ("" if at_most == math.inf else f" and at most {at_most:g}")
    for name, value in inputs.items():
        if not (isinstance(value, Real) and math.isfinite(value) and at_least <= value <= at_most):
            raise MeasurementError(f"{name} is {value}; give a finite number of {limits}")
