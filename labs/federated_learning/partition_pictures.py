"""Who has how many samples of which class, as bars; it draws into an `Axes` and deals nothing."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from course_utils import plots
from labs.federated_learning import label_skew

MOST_BARS = 30  # more are too thin for their numbers
NARROWEST = 0.035  # share of the tallest bar that a number needs
PALE = 0.55  # of the colours: numbers must stay legible on them


@mpl.rc_context(plots.STYLE)
def class_bars(
    axes: Axes, labels: NDArray[np.int64], *, parts: Sequence[NDArray[np.int64]], title: str
) -> list[dict[str, Any]]:
    """Draw a bar for each client, made of its classes, each with its number where there is room.

    Of more than `MOST_BARS` clients the first ones are drawn. Rows: ``client, class, samples,
    start`` of each piece.

    Parameters
    ----------
    axes
        Of a wide figure.
    labels
        (n,).
    parts
        Positions of each client's samples.
    title
        The sentence that the figure shows.
    """
    names, shown = np.unique(labels), parts[:MOST_BARS]
    counts = label_skew.class_counts(labels, shown)
    tallest = max(1, int(counts.sum(1).max()))
    rows: list[dict[str, Any]] = []
    for client, each in enumerate(counts):
        starts = np.cumsum(each) - each
        for column in np.flatnonzero(each):
            start, height = int(starts[column]), int(each[column])
            axes.bar(
                client, height, 0.85, start, fc=_color(int(column), len(names)), ec="black", lw=0.3
            )
            if height >= NARROWEST * tallest:
                look: dict[str, Any] = {"ha": "center", "va": "center", "size": 5}
                axes.text(client, start + height / 2, str(names[column]), **look)
            row = {"client": client, "class": int(names[column]), "samples": height, "start": start}
            rows.append(row)
    axes.set_xlim(-0.6, len(shown) - 0.4)
    axes.set_ylim(0, 1.03 * tallest)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    axes.grid(visible=False, axis="x")
    of = "" if len(shown) == len(parts) else f", first {len(shown)} of {len(parts)}"
    axes.set_xlabel(f"client [number]{of}")
    axes.set_ylabel("samples, by class [1]")
    axes.set_title(title, loc="left", weight="bold")
    return rows


def class_bars_alt(labels: NDArray[np.int64], parts: Sequence[NDArray[np.int64]]) -> str:
    """Return in words what the bars show: how many samples and classes the clients have.

    Parameters
    ----------
    labels
        (n,).
    parts
        Positions of each client's samples.
    """
    counts = label_skew.class_counts(labels, parts)
    samples, classes = counts.sum(1), (counts > 0).sum(1)
    most = counts.shape[1]
    return (
        f"A bar for each of {len(parts)} clients, made of its classes: {samples.min()} to "
        f"{samples.max()} samples and {classes.min()} to {classes.max()} of {most} classes each; "
        f"{int((classes < most).sum())} clients miss a class."
    )


def _color(column: int, of: int) -> tuple[float, ...]:
    red, green, blue, _ = mpl.colormaps["cividis"](column / max(1, of - 1))
    return tuple(PALE + (1 - PALE) * part for part in (red, green, blue))
