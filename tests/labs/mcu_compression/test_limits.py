"""Impossible parameters are refused, with their range."""

import re

import pytest

from labs.mcu_compression import limits


@pytest.mark.parametrize(
    ("name", "value"),
    [("bits", 1), ("bits", 9), ("sparsity", 0.95), ("noise", 2.0), ("width", 0.0), ("epochs", 0),
     ("batch", 0), ("seed", -1), ("width", float("nan"))],
)  # fmt: skip
def test_what_is_out_of_range_is_named_with_its_range(name, value):
    low, high = limits.RANGES[name]
    said = f"{name} is {value:g}; give a number from {low:g} to {high:g}"
    with pytest.raises(ValueError, match=re.escape(said)):
        limits.check(**{name: value})
