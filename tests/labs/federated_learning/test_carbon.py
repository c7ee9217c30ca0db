"""Ranges of carbon: ends in order, sources, and the given function against every corner."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import plots
from labs.federated_learning import carbon
from labs.federated_learning.given import break_even_rounds, training_carbon_g

PAIRS = st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)).map(lambda ends: tuple(sorted(ends)))
POINT = {
    "device_s": 7200.0,
    "device_w": 500.0,
    "pue": 1.2,
    "sent_bytes": 5e9,
    "network_kwh_per_gb": 0.02,
    "g_per_kwh": 400.0,
    "embodied_kg": 1752.0,
    "lifetime_y": 4.0,
}


@pytest.mark.parametrize("ends", [(2, 1), (-1, 1), (0, float("inf")), (float("nan"), 1)])
def test_no_range(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="give 0 <= low <= high"):
        carbon.Spread(*ends, "assumed")


def test_every_range_names_its_source() -> None:
    spreads = [each for each in vars(carbon).values() if isinstance(each, carbon.Spread)]
    assert len(spreads) > 8
    for spread in spreads:
        assert len(spread.source) > 6, spread


def test_a_worked_example() -> None:
    """1 kWh times 1.2 and 0.1 kWh at 400 g, and 2 h of 35,040 h of 1,752 kg: 480, 40 and 100 g."""
    low, high = training_carbon_g(**{name: (value, value) for name, value in POINT.items()})
    assert low == high == pytest.approx(620, rel=1e-12)


def test_an_unsure_input_widens_the_range() -> None:
    sure = {name: (value, value) for name, value in POINT.items()}
    low, high = training_carbon_g(**{**sure, "lifetime_y": (2.0, 8.0)})
    assert (low, high) == (pytest.approx(570), pytest.approx(720))


@given(round_g=PAIRS, central_g=PAIRS)
def test_break_even_holds_every_corner(
    round_g: tuple[float, float], central_g: tuple[float, float]
) -> None:
    fewest, most = break_even_rounds(round_g, central_g)
    for each, central in itertools.product(round_g, central_g):
        assert fewest * (1 - 1e-12) <= central / each <= most * (1 + 1e-12)


@pytest.mark.parametrize("device", list(carbon.DEVICES))
def test_inputs_are_what_the_exercise_asks_for(device: str) -> None:
    known = carbon.inputs(
        device, device_s=(1.0, 10.0), sent_bytes=1e6, g_per_kwh=carbon.grid("FRA", "POL")
    )
    assert set(known) == set(POINT)
    low, high = training_carbon_g(**known)
    assert 0 < low < high


def test_unknown_device() -> None:
    with pytest.raises(ValueError, match="device is 'toaster'; give one of phone, server"):
        carbon.inputs("toaster", device_s=(1, 1), sent_bytes=1, g_per_kwh=carbon.grid("FRA"))


@given(pair=PAIRS)
def test_the_value_of_a_result_lies_in_its_range(pair: tuple[float, float]) -> None:
    found = carbon.result(pair)
    assert found.kind == "modelled"
    assert (found.low, found.high) == pair


def test_more_energy_a_byte_emits_more_and_is_drawn() -> None:
    known = carbon.inputs(
        "phone", device_s=(1.0, 10.0), sent_bytes=1e9, g_per_kwh=carbon.grid("DEU")
    )
    series = carbon.over_network(training_carbon_g, known, kwh_per_gb=[0.01, 0.1, 1.0])
    lows = [result.low for _, result in series]
    assert lows == sorted(lows)
    # 0.99 kWh more for the GB, at the grid's intensity.
    assert lows[2] - lows[0] == pytest.approx(0.99 * carbon.grid("DEU").low)
    _, axes = plots.new_figure(data="none")
    rows = carbon.draw(axes, {"federated": series}, title="A range")
    assert np.array([row["x"] for row in rows]).tolist() == [0.01, 0.1, 1.0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
