"""The pictures of exercise 1.4: what they draw is what they are given."""

import numpy as np

from course_utils import plots, stats
from labs.mcu_compression import training_pictures


def test_every_count_but_zero_is_written_in_its_cell():
    counts = np.array([[5, 2, 0], [0, 4, 1], [3, 0, 6]])
    figure, axes = plots.new_figure(wide=True)
    drawn = training_pictures.confusion_table(axes, counts, classes=["a", "b", "_c_"], title="t")
    assert (drawn == counts).all()
    written = {(text.get_position()[1], text.get_position()[0]): text for text in axes.texts}
    assert {place: int(text.get_text()) for place, text in written.items()} == {
        (i, j): int(counts[i, j]) for i, j in zip(*np.nonzero(counts), strict=True)
    }
    assert written[2, 0].get_color() == "white"  # the darkest cell
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    figure.draw_without_rendering()


def test_spans_are_drawn_from_end_to_end():
    rows = {"one": stats.proportion_interval(8, 10), "two": stats.proportion_interval(80, 100)}
    _, axes = plots.new_figure(wide=True)
    assert training_pictures.spans(axes, rows, x_label="top-1 [1]", title="t") == ["one", "two"]
    ends = [line.get_xdata() for line in axes.lines[::2]]
    assert [list(x) for x in ends] == [[span.low, span.high] for span in rows.values()]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first on top
