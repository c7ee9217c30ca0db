"""Training split, serving and rate, against what was published and against course_utils."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import carbon
from labs.seminar.carbon_footprint import bloom, life

SERVER = {"busy_w": 500.0, "idle_w": 100.0, "embodied_kg": 876.0, "lifetime_y": 5.0, "units": 8}


@pytest.mark.parametrize(
    ("cause", "want_t"), [("dynamic", 24.7), ("idle", 14.6), ("embodied", 11.2)]
)
def test_the_split_of_bloom(cause: str, want_t: float) -> None:
    """Luccioni and others, JMLR 24(253): 24.7, 14.6 and 11.2 t, with one decimal."""
    split = life.split_t(bloom.RUN, bloom.MACHINE, g_per_kwh=bloom.G_PER_KWH)
    assert split[cause] == pytest.approx(want_t, abs=0.05) == bloom.PUBLISHED_T[cause]


def test_the_sum_of_bloom_and_its_share_of_making() -> None:
    """The same: 50.5 t in all, of which 22 % are embodied."""
    split = life.split_t(bloom.RUN, bloom.MACHINE, g_per_kwh=bloom.G_PER_KWH)
    total_t = sum(split.values())
    assert round(total_t, 1) == 50.5 == bloom.PUBLISHED_TOTAL_T
    assert round(split["embodied"] / total_t, 2) == 0.22 == bloom.PUBLISHED_EMBODIED_SHARE


def test_energy_and_hours_of_bloom_agree() -> None:
    """433,196 kWh are 1,082,990 hours at 400 W."""
    assert bloom.RUN["gpu_h"] * 0.4 == pytest.approx(bloom.RUN["dynamic_kwh"], abs=0.5)


def test_the_two_counts_of_requests_do_not_agree() -> None:
    """558 an hour for 18 days are 4.5 % more than the 230,768 that were counted."""
    by_rate = bloom.SERVING_REQUESTS_PER_H * bloom.SERVING_H
    assert by_rate == 241_056
    assert 1.04 < by_rate / bloom.SERVING_REQUESTS < 1.05


def test_the_example_of_the_specification() -> None:
    """ISO/IEC 21031: 1000 kg over 4 years, for an hour, are 28.5 g."""
    machine = {**SERVER, "embodied_kg": 1000.0, "lifetime_y": 4.0, "units": 1}
    use = {"used_h": 1.0, "reserved_h": 1.0, "units": 1}
    got_g = life.intensity_g(machine, use, g_per_kwh=0.0, functional_units=1.0)
    assert round(got_g, 1) == 28.5


@given(
    used_h=st.floats(0, 100),
    waiting_h=st.floats(0, 100),
    units=st.integers(1, 8),
    grid=st.floats(0, 1000),
)
def test_the_rate_agrees_with_course_utils(
    used_h: float, waiting_h: float, units: int, grid: float
) -> None:
    use = {"used_h": used_h, "reserved_h": used_h + waiting_h, "units": units}
    joules = 3600 * (used_h * 500 + (use["reserved_h"] - used_h) * 100) * units / 8
    made_g = carbon.embodied_share_g(
        876, used_s=3600 * use["reserved_h"], lifetime_y=5, resource_share=units / 8
    )
    want_g = carbon.sci_g(joules, made_g, intensity_g_per_kwh=grid, functional_units=7)
    got_g = life.intensity_g(SERVER, use, g_per_kwh=grid, functional_units=7)
    assert got_g == pytest.approx(want_g, rel=1e-9)


def test_more_used_than_reserved_is_refused() -> None:
    use = {"used_h": 3.0, "reserved_h": 2.0, "units": 1}
    with pytest.raises(ValueError, match=r"3\.0 h used of 2\.0 h reserved; reserve more"):
        life.intensity_g(SERVER, use, g_per_kwh=1.0, functional_units=1.0)


@given(request=st.integers(1, 1000), number=st.integers(1, 10_000))
def test_requests_that_match_exactly_are_not_one_too_many(request: int, number: int) -> None:
    assert life.matching_requests(request * number, request) == number
    assert life.matching_requests(request * number + 0.5, request) == number + 1
