"""Limits of parameters, as every lab asks them."""

import math

import pytest

from labs.shared.limits import Limits

LIMITS = Limits(
    {"trees": (1, 128), "load": (0.05, 0.95)},
    fractions=("load",),
    choices={"layout": ("native", "framed")},
)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"trees": 0}, "trees is 0; give a whole number from 1 to 128"),
        ({"trees": 1.5}, "trees is 1.5; give a whole number from 1 to 128"),
        ({"trees": math.nan}, "trees is nan; give a whole number"),
        ({"trees": math.inf}, "trees is inf; give a whole number"),
        ({"load": 1.0}, "load is 1; give a number from 0.05 to 0.95"),
        ({"load": math.nan}, "load is nan; give a number"),
        ({"layout": "tree"}, "layout is 'tree'; give one of native, framed"),
        ({"trees": 3, "layout": ""}, "layout is ''"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(values, said):
    with pytest.raises(ValueError, match=said):
        LIMITS.check(**values)


def test_both_ends_and_all_choices_are_allowed():
    LIMITS.check(trees=1, load=0.05, layout="native")
    LIMITS.check(trees=128.0, load=0.95, layout="framed")
