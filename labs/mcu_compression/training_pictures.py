"""The pictures of exercise 1.4: a table of confusions, and intervals one below the other.

Each draws into an `Axes` and computes nothing but its labels.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from course_utils import plots, records, stats

Span = records.Result | stats.Interval  # has a value and two ends


@mpl.rc_context(plots.STYLE)
def confusion_table(
    axes: Axes, counts: npt.ArrayLike, *, classes: Sequence[str], title: str
) -> npt.NDArray[np.int64]:
    """Draw counts as a table: true classes down, heard classes across, mistakes in colour.

    Parameters
    ----------
    axes
        Of a wide figure, which is made as high as the table.
    counts
        (classes, classes), whole numbers; a row for each true class.
    classes
        Names in the order of the rows.
    title
        What the picture shows.

    Returns
    -------
    ndarray
        The counts drawn.
    """
    table = np.asarray(counts, dtype=np.int64)
    wrong = table - np.diag(table.diagonal())
    most = max(1, int(wrong.max()))
    axes.imshow(wrong, cmap="Oranges", vmin=0, vmax=most, aspect="auto")
    axes.grid(visible=False)
    for (i, j), count in np.ndenumerate(table):
        if count:
            text = axes.text(j, i, str(count), ha="center", va="center", fontsize=7)
            text.set_fontweight("bold" if i == j else "normal")
            text.set_color("white" if wrong[i, j] > most / 2 else "black")
    names = [name.strip("_") for name in classes]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="heard [class]", ylabel="said [class]")
    axes.set_title(title, loc="left", weight="bold")
    axes.figure.set_size_inches(7, 3.6)  # type: ignore[union-attr]  # a Figure, not a SubFigure
    return table


def commonest_mistake(counts: npt.ArrayLike, *, classes: Sequence[str]) -> str:
    """Return a sentence on the largest count beside the diagonal.

    Examples
    --------
    >>> commonest_mistake([[5, 2], [0, 4]], classes=["go", "no"])
    'The commonest mistake, 2 times: "go" is heard as "no"'
    >>> commonest_mistake([[5, 0], [0, 4]], classes=["go", "no"])
    'No clip was taken for another class'
    """
    table = np.asarray(counts)
    wrong = table - np.diag(table.diagonal())
    if not wrong.any():
        return "No clip was taken for another class"
    said, heard = (classes[k].strip("_") for k in divmod(int(wrong.argmax()), len(wrong)))
    return f'The commonest mistake, {wrong.max()} times: "{said}" is heard as "{heard}"'


@mpl.rc_context(plots.STYLE)
def spans(axes: Axes, rows: Mapping[str, Span], *, x_label: str, title: str) -> list[str]:
    """Draw values with their intervals, one below the other, the first on top.

    Parameters
    ----------
    axes
        Of a wide figure.
    rows
        Name, and value with both ends of its interval.
    x_label, title
        Quantity with unit, and what the picture shows.

    Returns
    -------
    list
        Names from top to bottom.
    """
    for i, span in enumerate(rows.values()):
        color, marker = plots.COLORS[i % len(plots.COLORS)], "osD^v"[i % 5]
        axes.plot([span.low, span.high], [i, i], color=color)
        axes.plot([span.value], [i], color=color, marker=marker)
        axes.annotate(
            f"{span.high - span.low:.3f} wide",
            (span.high, i),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlabel=x_label, ylim=(len(rows) - 0.5, -0.5))
    axes.set_title(title, loc="left", weight="bold")
    axes.margins(x=0.12)
    return list(rows)
