"""Whole values: as near as promised, and with as many bits as their sum allows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.seminar.inference_performance.fixed_point import fixed_point, most_bits


@given(values=st.lists(st.floats(0, 60_000), min_size=1, max_size=9), trees=st.integers(1, 20_000))
def test_values_and_sums_fit_and_one_bit_more_would_not(values, trees):
    shift = most_bits(np.array(values), trees=trees)
    whole = fixed_point(np.array(values), shift)
    assert np.abs(whole / 2.0**shift - values).max() <= 2.0 ** -(shift + 1)
    assert whole.max() < 2**16
    assert int(whole.max()) * trees < 2**31
    more = int(fixed_point(np.array(values), shift + 1).max())
    assert shift == 15 or more >= 2**16 or more * trees >= 2**31


def test_shares_have_fifteen_bits_unless_trees_are_very_many():
    shares = np.array([0.0, 1.0])
    assert [most_bits(shares, trees=n) for n in (1, 2**16 - 1, 2**16)] == [15, 15, 14]


def test_halves_go_to_the_even_number():
    assert fixed_point(np.array([0.5, 1.5, 2.5]), 0).tolist() == [0, 2, 2]


@pytest.mark.parametrize("value", [-0.25, np.nan, np.inf])
def test_values_that_cannot_be_made_whole(value):
    with pytest.raises(ValueError, match="cannot be made whole"):
        most_bits(np.array([value, 0.5]), trees=1)


def test_values_too_large_for_sixteen_bits():
    with pytest.raises(ValueError, match="does not fit 31 bits"):
        most_bits(np.array([65536.0]), trees=1)
