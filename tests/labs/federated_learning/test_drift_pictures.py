"""The data that the pictures of drift draw."""

import numpy as np
import pytest

from course_utils import plots, records
from labs.federated_learning import drift_pictures


def test_walks_have_every_round() -> None:
    _, axes = plots.new_figure()
    rows = drift_pictures.walks(axes, {"a": np.array([0.0, 4.0]), "b": np.array([0.0, 8.0])})
    assert rows[-1] == {"name": "b", "round": 1, "weight": 8.0}
    assert axes.get_title(loc="left") == "Two bowls: averages end at 4.00, 8.00"


def test_rests_grow_with_steps_and_shrink_with_the_pull() -> None:
    _, axes = plots.new_figure()
    rows = drift_pictures.rests(axes, steps=[1, 10, 100], pulls=[0, 5])
    distances = [row["distance"] for row in rows]
    assert distances[0] == pytest.approx(0, abs=1e-12)
    assert distances[0] < distances[1] < distances[2]
    assert distances[5] < distances[2]


def test_cosines_name_the_data() -> None:
    _, axes = plots.new_figure()
    points = [(alpha, records.counted(alpha / 200)) for alpha in (1.0, 100.0)]
    rows = drift_pictures.cosines(axes, {1: points, 10: points}, dataset="digits")
    assert [row["name"] for row in rows] == ["1 step"] * 2 + ["10 steps"] * 2
    assert "digits" in axes.get_title(loc="left")
