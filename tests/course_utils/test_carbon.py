"""Carbon: golden values of the table and of the standard's formula, and its algebra."""

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import carbon
from course_utils.errors import MeasurementError
from course_utils.records import Result

energies_j = st.floats(0, 1e12)
intensities = st.floats(0, 1500)


@pytest.mark.parametrize(
    ("country", "g_per_kwh"),
    [("DEU", 380.95), ("GBR", 237.59), ("SWE", 40.70), ("FRA", 56.04), ("POL", 661.93),
     ("USA", 369.47), ("TWN", 642.38), ("IND", 713.44), ("CHN", 582.32)],
)  # fmt: skip
def test_golden_intensities(country, g_per_kwh):
    """Our World in Data 2023, as codecarbon 3.3.2 ships it; given to 0.01, so within 0.005."""
    grid = carbon.grid_intensity(country)
    assert grid.g_per_kwh == pytest.approx(g_per_kwh, abs=0.005 + 1e-9)
    assert (grid.country, grid.year) == (country, 2023)
    assert "Our World in Data" in grid.source
    assert str(grid.year) in str(grid)
    assert grid.source in str(grid)


def test_every_country_of_the_table_has_a_sane_intensity():
    countries = carbon.list_countries()
    assert len(countries) == 213
    assert list(countries) == sorted(countries)
    for code, name in countries.items():
        grid = carbon.grid_intensity(code)
        assert grid == carbon.grid_intensity(name)
        assert 0 <= grid.g_per_kwh <= 1500  # 1.5 times coal (995 g/kWh)
        assert 2000 <= grid.year <= 2030


@pytest.mark.parametrize("text", ["DEU", "deu", " Deu ", "Germany", "GERMANY"])
def test_code_or_name_in_any_case(text):
    assert carbon.grid_intensity(text).country == "DEU"


@pytest.mark.parametrize(
    ("text", "offer"),
    [("Germny", "DEU (Germany)"), ("FRAA", "FRA (France)"), ("swedn", "SWE (Sweden)"),
     ("", "like DEU"), ("Atlantis12345", "like DEU")],
)  # fmt: skip
def test_an_unknown_country_gets_offers_and_the_way_to_list_them(text, offer):
    with pytest.raises(MeasurementError) as caught:
        carbon.grid_intensity(text)
    message = str(caught.value)
    assert repr(text) in message
    assert offer in message
    assert "carbon.list_countries() has all 213" in message
    assert "\n" not in message


def test_the_table_is_read_without_a_tracker():
    """In a fresh interpreter: the file is found, nothing of codecarbon loaded."""
    code = (
        "import sys; from course_utils import carbon; carbon.grid_intensity('DEU');"
        "bad = [m for m in ('codecarbon', 'torch', 'pandas') if m in sys.modules];"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_operational_by_hand():
    """1.5 kWh * 1.2 * 400 g/kWh = 720 g."""
    assert carbon.operational_carbon_g(5.4e6, 400.0, pue=1.2) == pytest.approx(720.0)


@given(energies_j, intensities, st.floats(1, 3))
def test_operational_is_linear_and_never_negative(energy_j, g_per_kwh, pue):
    carbon_g = carbon.operational_carbon_g(energy_j, g_per_kwh, pue=pue)
    assert carbon_g >= 0
    double = carbon.operational_carbon_g(2 * energy_j, g_per_kwh, pue=pue)
    assert double == pytest.approx(2 * carbon_g)
    assert carbon_g == pytest.approx(pue * carbon.operational_carbon_g(energy_j, g_per_kwh))


@pytest.mark.parametrize("kind", ["measured", "modelled", "assumed"])
def test_a_result_keeps_its_interval_and_gets_no_better_kind(kind):
    grid = carbon.GridIntensity("XXX", "Nowhere", 400.0, 2023, "a test")
    result = carbon.operational_carbon(Result(7.2e6, 3.6e6, 9e6, n=6, kind=kind), grid, pue=1.5)
    assert (result.low, result.value, result.high) == pytest.approx((600.0, 1200.0, 1500.0))
    assert result.n == 6
    assert result.kind == ("assumed" if kind == "assumed" else "modelled")


def test_golden_embodied_share():
    """ISO/IEC 21031 with TE 1000 kg, 4 years, 1 h: 1e6 g / 35,040 h = 28.5388 g."""
    share_g = carbon.embodied_share_g(1000, used_s=3600, lifetime_y=4)
    assert share_g == pytest.approx(1e6 / 35040)
    assert f"{share_g:.1f}" == "28.5"
    eighth_g = carbon.embodied_share_g(1000, used_s=3600, lifetime_y=4, resource_share=1 / 8)
    assert eighth_g == pytest.approx(share_g / 8)


@given(st.floats(0, 1e6), st.floats(0.01, 20), st.integers(1, 50))
def test_the_shares_of_a_whole_life_add_up_to_the_whole(embodied_kg, lifetime_y, parts):
    life_s = lifetime_y * 365 * 24 * 3600
    share_g = carbon.embodied_share_g(
        embodied_kg, used_s=life_s / parts * (1 - 1e-12), lifetime_y=lifetime_y
    )
    assert share_g * parts == pytest.approx(embodied_kg * 1000)


def test_sci_by_hand():
    """(2 kWh * 1.5 * 100 g/kWh + 50 g) / 7 = 50 g."""
    sci_g = carbon.sci_g(7.2e6, 50.0, intensity_g_per_kwh=100.0, functional_units=7, pue=1.5)
    assert sci_g == pytest.approx(50.0)


@given(energies_j, st.floats(0, 1e9), intensities, st.floats(1e-3, 1e9))
def test_sci_is_operational_and_embodied_over_units(energy_j, embodied_g, g_per_kwh, functional):
    sci_g = carbon.sci_g(
        energy_j, embodied_g, intensity_g_per_kwh=g_per_kwh, functional_units=functional
    )
    both_g = carbon.operational_carbon_g(energy_j, g_per_kwh) + embodied_g
    assert sci_g * functional == pytest.approx(both_g)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_what_cannot_be_is_refused_by_name(bad):
    calls = {
        "energy_j": lambda: carbon.operational_carbon_g(bad, 380.0),
        "intensity_g_per_kwh": lambda: carbon.operational_carbon_g(1.0, bad),
        "pue": lambda: carbon.operational_carbon_g(1.0, 380.0, pue=bad),
        "embodied_kg": lambda: carbon.embodied_share_g(bad, used_s=1, lifetime_y=1),
        "used_s": lambda: carbon.embodied_share_g(1, used_s=bad, lifetime_y=1),
        "lifetime_y": lambda: carbon.embodied_share_g(1, used_s=1, lifetime_y=bad),
        "resource_share": lambda: carbon.embodied_share_g(
            1, used_s=1, lifetime_y=1, resource_share=bad
        ),
        "embodied_g": lambda: carbon.sci_g(1, bad, intensity_g_per_kwh=1, functional_units=1),
        "functional_units": lambda: carbon.sci_g(1, 1, intensity_g_per_kwh=1, functional_units=bad),
    }
    for name, call in calls.items():
        with pytest.raises(MeasurementError, match=f"^{name} is {bad}"):
            call()


def test_limits_of_their_own():
    with pytest.raises(MeasurementError, match=r"pue is 0.9; give a finite number of at least 1"):
        carbon.operational_carbon_g(1, 1, pue=0.9)
    with pytest.raises(MeasurementError, match="at most 1"):
        carbon.embodied_share_g(1, used_s=1, lifetime_y=1, resource_share=1.5)
    with pytest.raises(MeasurementError, match="does not fit a life of 0 years"):
        carbon.embodied_share_g(1, used_s=0, lifetime_y=0)
    with pytest.raises(MeasurementError, match="does not fit a life of 1 years"):
        carbon.embodied_share_g(1, used_s=365 * 24 * 3600 + 1, lifetime_y=1)
    with pytest.raises(MeasurementError, match="functional_units is 0"):
        carbon.sci_g(1, 1, intensity_g_per_kwh=1, functional_units=0)
