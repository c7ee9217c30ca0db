"""Figures of a sweep as they are drawn: scales, intervals, what a text can do to them."""

import re
from xml.etree import ElementTree

import pytest

from course_utils import stats
from course_utils.errors import MeasurementError
from course_utils.records import Result, counted
from labs.engine.sweeps.figures import draw
from labs.engine.sweeps.studies import Figure
from labs.engine.sweeps.table import Row, Summary


def setting(parameters, *values, size=0.0):
    results = [Result(v, v, v, n=1, kind="measured") for v in values]
    size_of = {"size_bytes": counted(size)}
    runs = tuple(
        Row(f"r{seed}", parameters, seed, "asked", "ok", {"top1": r} | size_of, 1.0, 1.0, "")
        for seed, r in enumerate(results)
    )
    mean = stats.mean_interval(values).result() if values[1:] else results[0]
    means = {"top1": mean} | size_of
    return Summary(parameters, runs, 0, 0, means, over_seeds=len(values) > 1)


def lines(x="bits", by=None, title="A sentence"):
    return Figure("top1", x, by, title, "lines")


def drawn_points(axes):
    """Places of the marks of each series with error bars."""
    return [list(map(tuple, box.lines[0].get_xydata())) for box in axes.containers]


def test_means_stand_at_their_values_in_order():
    summaries = [setting({"bits": b}, 0.7 + b / 50, 0.72 + b / 50) for b in (4, 2, 8)]
    (axes,) = draw(lines(), summaries).canvas.axes
    ((first, *_, last),) = drawn_points(axes)
    assert first == (2, pytest.approx(0.75))
    assert last == (8, pytest.approx(0.87))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "4", "8"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("bits [1]", "top1 [1]")


def test_values_that_are_far_apart_get_a_logarithmic_axis_that_says_so():
    summaries = [setting({"alpha": a}, 0.8, 0.9) for a in (0.01, 0.1, 100.0)]
    (axes,) = draw(lines("alpha"), summaries).canvas.axes
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "alpha [1] (log)")
    near = [setting({"alpha": a}, 0.8, 0.9) for a in (-1.0, 0.1, 100.0)]
    assert draw(lines("alpha"), near).canvas.axes[0].get_xscale() == "linear"


def test_an_interval_of_two_seeds_does_not_flatten_the_figure():
    summaries = [setting({"bits": b}, 0.8, 0.9) for b in (2, 4)]
    drawing = draw(lines(), summaries)
    low, high = drawing.canvas.axes[0].get_ylim()
    assert summaries[0].results["top1"].high > 1.4
    assert 0.6 < low < 0.8
    assert 0.9 < high < 1.1
    assert "Intervals that leave the picture are cut." in drawing.caption


def test_intervals_that_fit_are_whole():
    summaries = [setting({"bits": b}, 0.8, 0.81, 0.82, 0.83, 0.9) for b in (2, 4)]
    drawing = draw(lines(), summaries)
    low, high = drawing.canvas.axes[0].get_ylim()
    assert low < summaries[0].results["top1"].low < summaries[0].results["top1"].high < high
    assert "cut" not in drawing.caption


def test_panels_share_their_axes():
    summaries = [
        setting({"bits": b, "way": way, "fast": fast}, 0.8, 0.9)
        for b in (2, 4)
        for way in "abc"
        for fast in (True, False)
    ]
    panels = draw(lines(), summaries).canvas.axes
    assert len(panels) == 6
    assert len({axes.get_ylim() for axes in panels}) == 1
    assert panels[0].get_title() == "way = a, fast = true"


def test_a_line_for_each_value_differs_in_more_than_colour():
    summaries = [setting({"bits": b, "width": w}, 0.8, 0.9) for b in (2, 4) for w in (8, 16)]
    (axes,) = draw(lines(by="width"), summaries).canvas.axes
    looks = {(x.lines[0].get_marker(), x.lines[0].get_linestyle()) for x in axes.containers}
    assert len(looks) == 2


def test_categories_are_not_joined():
    summaries = [setting({"way": way}, 0.8, 0.9) for way in ("avg", "prox")]
    (axes,) = draw(lines("way"), summaries).canvas.axes
    assert axes.containers[0].lines[0].get_linestyle() == "None"
    assert axes.get_xlabel() == "way"


def test_a_marked_setting_gets_its_word():
    summaries = [setting({"bits": b}, 0.8, 0.9) for b in (2, 4)]
    (axes,) = draw(lines(), summaries, marked={"selected": {"bits": 4}}).canvas.axes
    assert [text.get_text() for text in axes.texts] == ["selected"]


@pytest.mark.parametrize("kind", ["lines", "points"])
def test_thousands_of_settings_make_a_small_file(kind):
    summaries = [
        setting({"bits": b, "k": k}, b / 9, size=b * k) for b in range(9) for k in range(99)
    ]
    figure = Figure("top1", "bits" if kind == "lines" else "size_bytes", None, "Many", kind)
    assert len(draw(figure, summaries).svg()) < 200_000


@pytest.mark.parametrize(
    "text", ["$x^", "<script>alert(1)</script>", "a\nb", "\u6f22\u5b57", "-->"]
)
def test_any_text_is_drawn_as_text(text):
    summaries = [setting({"way": way, "by": text}, 0.8, 0.9) for way in ("avg", text)]
    summaries.append(setting({"way": "avg", "by": "other"}, 0.8, 0.9))
    drawing = draw(lines("way", by="by", title=text), summaries, data=text, marked={text: {}})
    assert not list(ElementTree.fromstring(drawing.svg()).iter("script"))


def test_the_same_data_make_the_same_file():
    summaries = [setting({"bits": b}, 0.8, 0.9) for b in (2, 4)]
    first, again = (draw(lines(), summaries, data="digits").svg() for _ in range(2))
    assert first == again
    assert not re.search(rb"\d{4}-\d\d-\d\dT", first)


@pytest.mark.parametrize("value", [5e-324, 1e99, -1e99, 0.0])
@pytest.mark.parametrize("along", [5e-324, 1e99, 1e300, 10**400, -1.0])
def test_extreme_numbers_are_drawn(value, along):
    draw(lines(), [setting({"bits": 1.0}, 1.0), setting({"bits": along}, value)]).svg()


def test_a_number_that_has_no_place_in_a_figure_is_named():
    with pytest.raises(MeasurementError, match=r"top1 reaches 1e\+308; a figure shows 1e\+100"):
        draw(lines(), [setting({"bits": 1}, 1e308), setting({"bits": 2}, -1e308)])
