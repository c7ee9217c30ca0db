"""Ranges: corners hold every draw, and what is no range is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.seminar.carbon_footprint import ranges

PAIRS = st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)).map(lambda ends: tuple(sorted(ends)))


@given(kg=PAIRS, years=PAIRS, seed=st.integers(0, 1000))
def test_no_draw_lies_outside_of_the_corners(
    kg: ranges.Pair, years: ranges.Pair, seed: int
) -> None:
    low, high = ranges.corners(lambda kg, years: kg / years, kg=kg, years=years)
    assert (low, high) == (kg[0] / years[1], kg[1] / years[0])
    drawn = ranges.draw({"kg": kg, "years": years}, draws=50, rng=np.random.default_rng(seed))
    found = drawn["kg"] / drawn["years"]
    assert (found >= low * (1 - 1e-12)).all()
    assert (found <= high * (1 + 1e-12)).all()


def test_draws_depend_on_the_generator_alone() -> None:
    one, two = (ranges.draw({"x": (0, 1)}, draws=3, rng=np.random.default_rng(4)) for _ in range(2))
    assert one["x"].tolist() == two["x"].tolist()


@given(pair=PAIRS)
def test_a_result_holds_its_ends(pair: ranges.Pair) -> None:
    result = ranges.result(pair, kind="assumed")
    assert (result.low, result.high, result.kind) == (*pair, "assumed")
    assert result.value == pytest.approx(math.sqrt(pair[0] * pair[1]), rel=1e-12)


def test_too_many_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="17 inputs have 131072 corners; give at most 16"):
        ranges.corners(max, **{f"x{number}": (0.0, 1.0) for number in range(17)})
