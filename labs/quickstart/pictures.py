"""The two pictures that only this lab draws; everything else comes from `course_utils.plots`.

Each draws into an `Axes` and computes nothing.
"""

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.data import DataSplit

Floats = npt.NDArray[np.floating]


@mpl.rc_context(plots.STYLE)
def digit_strip(axes: Axes, digits: DataSplit) -> list[int]:
    """Draw the first digit of each class side by side.

    Parameters
    ----------
    axes
        Of a wide figure, which is made as low as the strip.
    digits
        With images x (n, 1, height, width) and labels y (n,).

    Returns
    -------
    list
        Index of each digit drawn, by class.
    """
    first = [int(np.flatnonzero(digits.y == digit)[0]) for digit in np.unique(digits.y)]
    axes.imshow(np.hstack([digits.x[index, 0] for index in first]), cmap="gray_r")
    axes.set_title("The first training digit of each class, 8 by 8 pixels")
    axes.set_axis_off()
    axes.figure.set_size_inches(7, 1.2)  # type: ignore[union-attr]  # a Figure, not a SubFigure
    return first


@mpl.rc_context(plots.STYLE)
def staircase(axes: Axes, before: Floats, *, after: Floats) -> None:
    """Draw weights after rounding against weights before, beside the diagonal.

    Parameters
    ----------
    axes
        Of a narrow figure.
    before, after
        (n,), sorted by `before`.
    """
    axes.plot(before, before, color=plots.GREY, linestyle="--", label="float32")
    axes.plot(before, after, color=plots.COLORS[0], label="code x scale")
    axes.set_title("Your codes, multiplied back")
    axes.set(xlabel="weight before [1]", ylabel="weight after [1]")
    axes.legend()
