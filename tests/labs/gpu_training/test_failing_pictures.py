"""The goodput picture: points, line and marks are the data that it was given."""

import numpy as np

from course_utils import plots
from course_utils.records import Result
from labs.gpu_training import failing_pictures


def test_goodput_draws_what_it_is_given():
    figure, axes = plots.new_figure(wide=True)
    shares = [Result(0.5, 0.4, 0.7, 3, "modelled"), Result(0.8, 0.75, 0.8, 3, "modelled")]
    failing_pictures.goodput(
        axes,
        [10.0, 100.0],
        shares=shares,
        expected=[0.55, 0.79],
        marked={"formula": 30.0},
        title="Longer is better",
    )
    points, line, mark = axes.get_lines()[0], axes.get_lines()[-2], axes.get_lines()[-1]
    assert list(points.get_ydata()) == [0.5, 0.8]
    assert list(line.get_ydata()) == [0.55, 0.79]
    assert set(np.asarray(mark.get_xdata())) == {30.0}
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "work between two saves [s] (log)"
    assert axes.get_ylabel() == "goodput [1]"
    figure.draw_without_rendering()
