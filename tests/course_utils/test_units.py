"""Units and how numbers are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import units


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("latency_ms", "ms"),
        ("time_s", "s"),
        ("bandwidth_bytes_per_s", "B/s"),
        ("peak_ops_per_s", "op/s"),
        ("size_bytes", "B"),
        ("intensity_g_per_kwh", "gCO2e/kWh"),
        ("carbon_g", "gCO2e"),
        ("energy_mj", "mJ"),
        ("top1", ""),
        ("class", ""),
        ("macs", "MAC"),
    ],
)
def test_unit_of_takes_the_longest_suffix(name, unit):
    assert units.unit_of(name) == unit


def test_no_suffix_hides_a_longer_one():
    suffixes = list(units.UNIT_BY_SUFFIX)
    for i, short in enumerate(suffixes):
        assert not any(long.endswith(short) for long in suffixes[i + 1 :]), short


@given(st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-12))
def test_formatted_numbers_keep_three_digits(value):
    back = float(units.format_number(value).replace(",", ""))
    assert abs(back - value) <= 0.005 * abs(value) + (0.5 if abs(value) >= 100 else 0)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (10 * 1024, "10.0 KiB"),
        (500 * 1024**2, "500 MiB"),
        (1.5 * 1024**3, "1.50 GiB"),
        (2000 * 1024**3, "2000 GiB"),
    ],
)
def test_sizes_have_binary_prefixes(size, text):
    assert units.format_bytes(size) == text


def test_energy():
    assert units.kwh_from_j(7.2e6) == 2.0
