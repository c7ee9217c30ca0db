"""The total of a course: worked examples and bounds."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.rules.totals import DIRECTIONS, Rounding, course_total, exact, rounded

LABS = {"one": 10.0, "two": 10.0, "three": 10.0, "project": 70.0}
SEMINAR = {"project": 50.0, "talks": 20.0, "onepagers": 30.0}


def test_three_labs_and_a_project():
    """10 x 9/10 + 10 x 54/72 + 10 x 0/50 + 70 x 0.8 = 9 + 7.5 + 0 + 56 = 72.5."""
    reached = {"one": (9, 10), "two": (54, 72), "three": (0, 50), "project": (0.8, 1)}
    total = course_total(LABS, reached, rounding=Rounding())
    assert (total.percent, total.so_far_percent, total.missing) == (72.5, 72.5, ())


def test_a_seminar_and_what_is_not_there_yet():
    """50 x 0.9 + 20 x 1 = 65 of the 70 that are there."""
    reached = {"project": (0.9, 1), "talks": (1, 1), "onepagers": None}
    total = course_total(SEMINAR, reached, rounding=Rounding(grade_step=0.01))
    assert (total.percent, total.so_far_percent, total.missing) == (65, 92.86, ("onepagers",))
    assert course_total(SEMINAR, {}, rounding=Rounding()).so_far_percent is None


def test_what_weighs_nothing_is_not_missed():
    total = course_total({"quickstart": 0.0, "lab": 1.0}, {"lab": (1, 4)}, rounding=Rounding())
    assert (total.percent, total.missing) == (25, ())


@pytest.mark.parametrize(
    ("direction", "step", "want"),
    [("nearest", 0.5, 72.5), ("up", 1, 73), ("down", 1, 72), ("nearest", 1, 73), ("down", 5, 70)],
)
def test_steps_and_directions(direction, step, want):
    rounding = Rounding(grade_step=step, direction=direction)
    assert course_total({"a": 1}, {"a": (72.5, 100)}, rounding=rounding).percent == want


def test_thirds_are_exact():
    reached = dict.fromkeys("abc", (1, 3))
    total = course_total(dict.fromkeys("abc", 30), reached, rounding=Rounding(direction="down"))
    assert total.percent == 33.3
    total = course_total({"a": 0.3}, {"a": (1, 1)}, rounding=Rounding(direction="down"))
    assert total.percent == 100


@pytest.mark.parametrize(
    ("weights", "reached", "message"),
    [
        ({"a": 1}, {"b": (1, 1)}, "b has no weight"),
        ({"a": 0}, {"a": (1, 1)}, "no lab or part has a weight above 0"),
        ({"a": 1}, {"a": (2, 1)}, "a: 2 of 1 points"),
        ({"a": 1}, {"a": (-1, 1)}, "a: -1 of 1 points"),
        ({"a": 1}, {"a": (0, 0)}, "a: 0 of 0 points"),
        ({"a": 1}, {"a": (float("nan"), 1)}, "a: nan of 1 points"),
    ],
)
def test_what_cannot_be_added_up(weights, reached, message):
    with pytest.raises(ValueError, match=message):
        course_total(weights, reached, rounding=Rounding())


@pytest.mark.parametrize(
    ("digits", "value", "want"), [(0, 2.5, 3), (1, 0.25, 0.3), (2, 1.005, 1.01), (2, 7.0, 7.0)]
)
def test_points_are_rounded_as_a_person_does(digits, value, want):
    assert Rounding(points_digits=digits).points(value) == want


@given(
    st.fractions(0, 100),
    st.sampled_from([0.01, 0.1, 0.25, 0.3, 1, 5]),
    st.sampled_from(DIRECTIONS),
)
def test_a_rounded_value_is_the_multiple_next_to_it(value, step, direction):
    width = exact(step)
    found = rounded(value, width, direction=direction)
    assert (found / width).denominator == 1
    far = {"nearest": width / 2, "up": width, "down": width}[direction]
    assert abs(found - value) <= far
    assert direction != "up" or found >= value
    assert direction != "down" or found <= value


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 72)), min_size=1, max_size=6))
def test_a_total_lies_between_the_worst_and_the_best_part(rows):
    weights = {str(i): weight for i, (weight, _) in enumerate(rows)}
    reached = {str(i): (points, 72) for i, (_, points) in enumerate(rows)}
    if not sum(weights.values()):
        return
    rounding = Rounding(grade_step=0.01)
    total = course_total(weights, reached, rounding=rounding)
    shares = [Fraction(100 * points, 72) for weight, points in rows if weight]
    assert rounding.total(min(shares)) <= total.percent <= rounding.total(max(shares))
