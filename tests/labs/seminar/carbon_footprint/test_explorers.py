"""The explorers: what is drawn is what the models say, and the titles follow from it."""

import pytest

from labs.seminar.carbon_footprint import boards, comparing, explorers, tables

PAYBACK = {"country": "DEU", "utilisation": 0.75, "basis": "equal hours"}


def test_a_year_of_a_board_by_hand() -> None:
    """233 W for 8736 h are 2035.488 kWh, at 334 and 380.95 g."""
    low, high = explorers.running_pair_kg(boards.BOARDS["V100"], "DEU", utilisation=0.75)
    assert (low, high) == pytest.approx((679.853, 775.419), abs=1e-3)


def test_the_bars_hold_the_making_over_the_lifetime() -> None:
    bars = explorers.YearExplorer().bars("DEU", 4.0, utilisation=0.75)
    assert set(bars) == set(boards.BOARDS)
    low, high = comparing.making_pair_kg(boards.BOARDS["T4"])
    assert (bars["T4"]["making"].low, bars["T4"]["making"].high) == (low / 4, high / 4)


def test_a_longer_life_lowers_the_share_of_making() -> None:
    explorer = explorers.YearExplorer()
    short = explorer.picture("SWE", 2.0, utilisation=0.75)
    long = explorer.picture("SWE", 8.0, utilisation=0.75)
    shares = [p.alt.split("making is ")[1].split("%")[0] for p in (short, long)]
    assert float(shares[0]) > float(shares[1])


def test_the_lines_cross_zero_at_the_break_even() -> None:
    """Germany 2024 and the replacement model: 0.39 years."""
    lines = explorers.PaybackExplorer().lines("V100", "A100-PCIe", **PAYBACK)
    assert list(lines) == ["Electricity Maps 2024", "Our World in Data 2023"]
    (_, start), *_, (years, end) = lines["Electricity Maps 2024"]
    slope = (end.low - start.low) / years
    assert -start.low / slope == pytest.approx(0.39, abs=0.005)
    assert years == pytest.approx(2 * -start.low / slope)


@pytest.mark.parametrize(
    ("new", "basis", "said"),
    [
        ("A100-PCIe", "equal hours", "pays back after 0.24 to 0.39 years"),
        ("H100", "equal hours", "never pays back"),
        ("H100", "equal work", "pays back after 0.02"),
    ],
)
def test_the_title_says_when(new: str, basis: str, said: str) -> None:
    picture = explorers.PaybackExplorer().picture("V100", new, **{**PAYBACK, "basis": basis})
    assert said in picture.alt


def test_every_country_can_be_chosen() -> None:
    assert tuple(tables.MAPS_G_PER_KWH) == explorers.COUNTRIES
