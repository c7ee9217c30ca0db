"""Pictures return what they drew."""

import numpy as np

from course_utils import plots
from labs.seminar.inference_performance import pictures
from labs.seminar.inference_performance.contests import WAYS, Outcome


def test_a_race_draws_each_program_in_each_way():
    rng = np.random.default_rng(0)
    outcomes = [Outcome(n, {w: rng.uniform(1, 2, 9) for w in WAYS}) for n in ("if-else", "native")]
    _, axes = plots.new_figure(wide=True)
    drawn = pictures.race_times(axes, outcomes, title="one beats the other")
    assert list(drawn) == ["if-else", "native"]
    assert drawn["native"]["many rows"] == outcomes[1].result("many rows")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["if-else", "native"]
    assert axes.get_title(loc="left") == "one beats the other"


def test_shares_of_rows_rise_to_one():
    _, axes = plots.new_figure()
    drawn = pictures.line_shares(axes, {"framed": np.array([3, 1, 2])}, title="few lines")
    assert drawn == {"framed": [1.0, 2.0, 3.0]}
    assert axes.lines[0].get_ydata().tolist() == [1 / 3, 2 / 3, 1.0]
