"""What the bars of a partition draw, and what their text says."""

import numpy as np

from course_utils import plots
from labs.federated_learning import partition_pictures

LABELS = np.array([0] * 6 + [3] * 4)
PARTS = [np.array([0, 1, 2, 6]), np.array([3, 4, 5, 7, 8, 9]), np.array([], int)]


def test_each_piece_is_drawn_where_the_rows_have_it():
    _, axes = plots.new_figure(wide=True)
    rows = partition_pictures.class_bars(axes, LABELS, parts=PARTS, title="t")
    assert [tuple(row.values()) for row in rows] == [
        (0, 0, 3, 0),
        (0, 3, 1, 3),
        (1, 0, 3, 0),
        (1, 3, 3, 3),
    ]
    drawn = [(p.get_x() + p.get_width() / 2, p.get_y(), p.get_height()) for p in axes.patches]
    assert np.allclose(drawn, [(row["client"], row["start"], row["samples"]) for row in rows])
    assert [text.get_text() for text in axes.texts] == ["0", "3", "0", "3"]
    assert axes.get_ylim()[0] == 0
    assert axes.get_title(loc="left") == "t"


def test_numbers_stay_out_of_pieces_that_are_too_low():
    labels = np.array([0] * 99 + [1])
    _, axes = plots.new_figure(wide=True)
    partition_pictures.class_bars(axes, labels, parts=[np.arange(100)], title="t")
    assert [text.get_text() for text in axes.texts] == ["0"]


def test_of_many_clients_the_first_are_drawn_and_the_axis_says_so():
    _, axes = plots.new_figure(wide=True)
    parts = np.split(np.arange(100), 50)
    rows = partition_pictures.class_bars(axes, np.zeros(100, int), parts=parts, title="t")
    assert {row["client"] for row in rows} == set(range(30))
    assert axes.get_xlabel() == "client [number], first 30 of 50"


def test_the_text_tells_sizes_and_classes():
    told = partition_pictures.class_bars_alt(LABELS, PARTS)
    assert "3 clients" in told
    assert "0 to 6 samples and 0 to 2 of 2 classes each; 1 clients miss a class" in told
