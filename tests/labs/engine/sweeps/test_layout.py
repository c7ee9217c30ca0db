"""What a figure of a sweep shows: no mean over settings, and nothing missing in silence."""

import itertools

import pytest

from course_utils import stats
from course_utils.errors import MeasurementError
from course_utils.records import Result, counted
from labs.engine.sweeps.layout import alt_of, caption_of, layout_of
from labs.engine.sweeps.studies import Figure
from labs.engine.sweeps.table import Row, Summary

LINES = Figure("top1", "bits", "width", "Bits", "lines")
POINTS = Figure("top1", "size_bytes", "width", "Bytes", "points")


def row(setting, seed, results, state="ok"):
    return Row(f"r{seed}", setting, seed, "asked", state, results, 1.0, 1.0, "")


def one(setting, *values, failed=0, waiting=0, **others):
    """A setting whose runs got some values of top1."""
    exact = {name: counted(value) for name, value in others.items()}
    runs = [
        row(setting, seed, exact | {"top1": Result(value, value, value, n=1, kind="measured")})
        for seed, value in enumerate(values)
    ]
    mean = {"top1": stats.mean_interval(values).result()} if values[1:] else {}
    results = (dict(runs[0].results) if runs else {}) | mean
    return Summary(setting, tuple(runs), failed, waiting, results, over_seeds=len(runs) > 1)


def grid(**axes):
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def test_each_setting_is_one_mark_on_the_line_of_its_value():
    layout = layout_of(LINES, [one(s, 0.8, 0.9) for s in grid(width=[8, 16], bits=[4, 2])])
    assert (layout.by, layout.lines, layout.panels) == ("width", ("8", "16"), ("",))
    assert [(mark.line, mark.place) for mark in layout.marks] == [
        ("8", (4, pytest.approx(0.85))),
        ("8", (2, pytest.approx(0.85))),
        ("16", (4, pytest.approx(0.85))),
        ("16", (2, pytest.approx(0.85))),
    ]
    assert layout.marks[0].runs == (0.8, 0.9)
    assert layout.values == (2, 4)


def test_what_is_no_axis_gets_a_panel_for_each_combination():
    layout = layout_of(LINES, [one(s, 0.8) for s in grid(bits=[2, 4], way=["a", "b"], fast=[True])])
    assert layout.panels == ("way = a", "way = b")
    assert layout.is_joined


@pytest.mark.parametrize(
    "axes", [{"way": list(range(7))}, {"width": list(range(8))}], ids=["panels", "lines"]
)
def test_too_many_combinations_are_points_that_no_line_joins(axes):
    summaries = [one(s, 0.8) for s in grid(bits=[2, 4], **axes)]
    layout = layout_of(LINES, summaries)
    assert not layout.is_joined
    assert len(layout.marks) == len(summaries)
    assert f"differ in {next(iter(axes))} as well" in caption_of(layout, summaries)


def test_texts_are_categories_in_their_order():
    figure = Figure("top1", "way", None, "Ways", "lines")
    layout = layout_of(figure, [one({"way": way}, 0.8) for way in ("prox", "avg", "krum")])
    assert not layout.is_numeric
    assert [mark.place[0] for mark in layout.marks] == [0, 1, 2]


def test_an_axis_of_too_many_texts_is_refused():
    figure = Figure("top1", "way", None, "Ways", "lines")
    with pytest.raises(MeasurementError, match="way has 13 values that are no numbers"):
        layout_of(figure, [one({"way": f"w{i}"}, 0.8) for i in range(13)])


def test_a_setting_that_leaves_a_parameter_alone_has_its_default():
    figure = Figure("top1", "way", None, "Ways", "lines")
    layout = layout_of(figure, [one({"way": "avg"}, 0.8), one({}, 0.9)])
    assert layout.values == ("avg", "default")


def test_points_keep_both_results_and_name_what_else_differs():
    summaries = [one(s, 0.8, size_bytes=s["bits"] * 10.0) for s in grid(width=[8], bits=[2, 4])]
    layout = layout_of(POINTS, summaries)
    assert [mark.place for mark in layout.marks] == [(20, 0.8), (40, 0.8)]
    assert layout.others == ("bits",)
    assert "Beside each point: bits." in caption_of(layout, summaries)
    assert "size_bytes is counted." in caption_of(layout, summaries)


def test_the_caption_says_what_marks_are_and_what_is_missing():
    summaries = [
        one({"bits": 2}, 0.8, 0.9, 0.85),
        one({"bits": 3}, 0.8, 0.9, failed=1),
        one({"bits": 4}, 0.8, waiting=2),
        one({"bits": 8}, failed=3),
    ]
    caption = caption_of(layout_of(LINES, summaries), summaries)
    assert caption == (
        "Each mark is the mean over n = 2 to 3 seeds, with Student's t interval of 95 %; small "
        "dots are single runs. At 1 setting it is a single run, with no interval. 1 of 4 settings "
        "missing: no run that ended well has top1. 4 runs failed. 2 runs not over yet."
    )


def test_the_alternative_text_tells_kind_axes_and_finding():
    summaries = [one(s, 0.7 + s["bits"] / 100) for s in grid(width=[8, 16], bits=[2, 4])]
    assert alt_of(layout_of(LINES, summaries)) == (
        "Lines: top1 against bits, a line for each of 2 values of width. Lowest: 0.72 (one "
        "observation, no interval) at width = 8, bits = 2; Highest: 0.74 (one observation, no "
        "interval) at width = 8, bits = 4."
    )


def test_the_caption_says_that_lines_stand_beside_each_other():
    summaries = [one(s, 0.8) for s in grid(width=[8, 16], bits=[2, 4])]
    assert "Marks of different lines" in caption_of(layout_of(LINES, summaries), summaries)


def test_nothing_to_draw_is_one_sentence():
    with pytest.raises(MeasurementError, match="no run that ended well has top1 and size_bytes"):
        layout_of(POINTS, [one({"bits": 2}, 0.8), one({"bits": 4}, failed=1)])
