"""Parameters that the notebook refuses."""

import pytest

from labs.seminar.inference_serving import limits


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("size", "tiny", "one of small, medium, large"),
        ("policy", "fifo", "one of continuous, static"),
        ("cache", "int4", "one of float32, int8"),
        ("load", float("nan"), "a number from 0.05 to 3"),
        ("runs", 2, "a whole number from 3 to 20"),
        ("requests", 60.5, "a whole number from 60 to 100000"),
        ("most_running", 17, "a whole number from 1 to 16"),
    ],
)
def test_values_out_of_range_are_named(name: str, value: str | float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        limits.check(**{name: value})


def test_ends_are_allowed() -> None:
    for name, ends in limits.RANGES.items():
        for end in ends:
            limits.check(**{name: end})
    for name, choices in limits.CHOICES.items():
        for choice in choices:
            limits.check(**{name: choice})
