"""The parameters of this lab stay within limits, and its presets do."""

import pytest

from labs.engine.catalog import find_lab
from labs.seminar.inference_performance import limits


def test_every_preset_is_allowed():
    lab = find_lab("inference_performance")
    for preset in lab.presets.values():
        limits.check(**preset)


@pytest.mark.parametrize(("name", "value"), [("bits", 6), ("load", 1), ("repeats", 5)])
def test_values_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}; give"):
        limits.check(**{name: value})
