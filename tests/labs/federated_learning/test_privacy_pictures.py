"""The rows that each picture drew, and what stands on its axes."""

import numpy as np

from course_utils import plots
from course_utils.records import Result
from labs.federated_learning import privacy_pictures


def test_tiles_keep_their_own_greys() -> None:
    figure, axes = plots.new_figure()
    images = {"one": np.array([[[0.0, 2.0]]]), "other": np.array([[-1.0], [3.0]])}
    rows = privacy_pictures.tiles(axes, images, title="t")
    assert rows == [
        {"name": "one", "low": 0.0, "high": 2.0},
        {"name": "other", "low": -1.0, "high": 3.0},
    ]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["one", "other"]
    plots.show(figure, alt="drawn")


def test_errors_have_a_median() -> None:
    _, axes = plots.new_figure()
    rows = privacy_pictures.errors_by_batch(axes, {1: [0.0, 0.0], 4: [0.1, 0.3, 0.2]}, title="t")
    assert rows == [
        {"batch": 1, "median": 0.0, "draws": 2},
        {"batch": 4, "median": 0.2, "draws": 3},
    ]
    assert axes.get_xscale() == "log"
    assert axes.get_ylabel() == "error [pixel value]"


def test_the_price_is_drawn_in_percent() -> None:
    _, axes = plots.new_figure()
    points = [(1.0, Result(0.5, 0.4, 0.6, n=9, kind="measured"))]
    rows = privacy_pictures.price_of_privacy(axes, {"all": points}, title="t")
    assert rows == [{"name": "all", "epsilon": 1.0, "accuracy": 0.5}]
    assert axes.get_ylim() == (0, 100)
    assert axes.get_legend().get_texts()[0].get_text() == "all"
