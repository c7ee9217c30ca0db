"""Pareto front: its definition as oracle, and how the figure shows it."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Annotation

from course_utils import plots
from course_utils.errors import MeasurementError
from course_utils.records import Result, counted


def measured(value, spread=0.1, n=31):
    return Result(value, value - spread, value + spread, n, "measured")


POINTS = [
    ("float32", measured(0.62), measured(97.8, n=5)),
    ("int8", measured(0.55), measured(97.6, n=5)),
    ("int4", measured(0.54), measured(91.2, n=5)),
    ("narrow", measured(0.31), measured(96.4, n=5)),
    ("pruned", measured(0.60), measured(96.9, n=5)),
]


def draw_pareto(axes, title="It pays"):
    return plots.pareto_front(
        axes, POINTS, x_label="latency [ms]", y_label="top-1 accuracy [%]", title=title
    )


few_values = st.integers(0, 4).map(float)  # so few that ties are common
ways = st.sampled_from(["lower", "higher"])


def dominates(a, b, better):
    """Whether a is at least as good everywhere and better somewhere, by the definition."""
    pairs = list(zip(a, b, better, strict=True))
    at_least = all(x <= y if way == "lower" else x >= y for x, y, way in pairs)
    return at_least and any(x != y for x, y, _ in pairs)


@given(st.data())
def test_the_front_is_that_of_the_definition(data):
    better = data.draw(st.lists(ways, min_size=1, max_size=3))
    points = data.draw(st.lists(st.tuples(*[few_values] * len(better)), max_size=12))
    front = plots.pareto_indices(points, better=better)
    assert front == [
        i for i, p in enumerate(points) if not any(dominates(q, p, better) for q in points)
    ]


@given(st.lists(st.tuples(few_values, few_values), min_size=1, max_size=12), st.tuples(ways, ways))
def test_the_front_is_complete_and_free_of_domination(points, better):
    front = plots.pareto_indices(points, better=better)
    assert front
    for i, j in combinations(front, 2):
        assert not dominates(points[i], points[j], better)
        assert not dominates(points[j], points[i], better)
    for i in set(range(len(points))) - set(front):
        assert any(dominates(points[j], points[i], better) for j in front)


def test_equal_points_all_stay_and_a_tie_in_one_quantity_decides():
    assert plots.pareto_indices([(1, 2), (1, 2)]) == [0, 1]
    assert plots.pareto_indices([(1, 2), (1, 3)]) == [1]
    assert plots.pareto_indices([]) == []


@pytest.mark.parametrize(
    ("points", "better", "message"),
    [
        ([(1, 2), (float("nan"), 1)], ("lower", "lower"), r"points\[1\] is \(nan, 1\)"),
        ([(1, 2)], ("lower", "more"), "'more'"),
        ([(1, 2)], ("lower",), "better is"),
    ],
)
def test_what_has_no_front_is_refused(points, better, message):
    with pytest.raises(MeasurementError, match=message):
        plots.pareto_indices(points, better=better)


def test_pareto_rows_and_marks(error_bars):
    _, axes = plots.new_figure()
    rows = draw_pareto(axes)
    assert [(row["name"], row["is_front"]) for row in rows] == [
        ("float32", True),
        ("int8", True),
        ("int4", False),
        ("narrow", True),
        ("pruned", False),
    ]
    assert [(row["name"], row["x"], row["y"]) for row in rows] == POINTS
    for row, container in zip(rows, axes.containers, strict=True):
        mark = container.lines[0]
        assert mark.get_xydata().tolist() == [[row["x"].value, row["y"].value]]
        assert (mark.get_markerfacecolor() == "white") == (not row["is_front"])
    assert ((0.52, 97.8), (0.72, 97.8)) in error_bars(axes)
    assert ((0.62, 97.7), (0.62, 97.9)) in error_bars(axes)
    assert {text.get_text() for text in axes.texts} == {name for name, _, _ in POINTS}


def test_the_front_is_a_staircase_on_the_attainable_side():
    for better, where in ((("lower", "higher"), "steps-post"), (("higher", "lower"), "steps-pre")):
        _, axes = plots.new_figure()
        labels = {"x_label": "a [1]", "y_label": "b [1]", "title": "T"}
        plots.pareto_front(axes, POINTS, **labels, better=better)
        assert where in {line.get_drawstyle() for line in axes.lines}


def test_arrows_say_which_direction_is_better():
    _, axes = plots.new_figure()
    draw_pareto(axes)
    assert axes.get_xlabel() == "\u2190 better   latency [ms]"
    assert axes.get_ylabel() == "top-1 accuracy [%]   better \u2192"


def test_names_stand_apart_where_there_is_room():
    figure, axes = plots.new_figure(wide=True)
    draw_pareto(axes)
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in axes.texts if isinstance(t, Annotation)]
    assert len(boxes) == len(POINTS)
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_names_of_neighbours_take_different_sides():
    figure, axes = plots.new_figure()
    near = [("first", 1.0, 1.0), ("second", 1.02, 1.0), ("far", 2.0, 2.0)]
    points = [(name, counted(x), counted(y)) for name, x, y in near]
    plots.pareto_front(axes, points, x_label="a [1]", y_label="b [1]", title="T")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
