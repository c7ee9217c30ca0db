"""Bars of ranges: the data drawn, and infinite ends inside of the picture."""

import math

from course_utils import plots
from labs.seminar.carbon_footprint import pictures


def test_an_infinite_end_is_an_arrow_inside_of_the_axes() -> None:
    _, axes = plots.new_figure(wide=True)
    bars = {"known": (1.0, 2.0), "perhaps never": (3.0, math.inf)}
    rows = pictures.range_bars(axes, bars, x_label="time [years]", title="Perhaps", mark=(3, 6))
    assert rows == [{"name": n, "low": low, "high": high} for n, (low, high) in bars.items()]
    drawn = [line.get_marker() for line in axes.lines]
    assert drawn.count(">") == 1
    assert all(math.isfinite(x) for line in axes.lines for x in line.get_xdata())
    assert axes.get_xlabel() == "time [years] (log)"
    assert [text.get_text() for text in axes.get_yticklabels()] == list(bars)
