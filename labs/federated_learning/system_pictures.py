"""The pictures of slow and absent devices; each draws into an `Axes` and computes nothing."""

from collections.abc import Collection, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from course_utils import plots
from course_utils.plots import Rows

KEPT, LOST = plots.FACES[0], plots.FACES[1]


@mpl.rc_context(plots.STYLE)
def gantt(
    axes: Axes,
    durations: Sequence[float],
    *,
    kept: Collection[int],
    round_s: float,
    title: str,
) -> Rows:
    """Draw who worked how long in a round, a bar a client, and where the round ended.

    Rows: ``client, end_s, is_kept`` of each bar, the fastest first; a bar ends with the round.

    Parameters
    ----------
    axes
        Of a wide figure.
    durations
        (n,), of each client that was asked [s]; inf for one that never answers.
    kept
        Positions of those whose updates were used.
    round_s
        When the round ended [s].
    title
        The sentence that the figure proves.
    """
    rows: Rows = []
    order = sorted(range(len(durations)), key=lambda client: (durations[client], client))
    for place, client in enumerate(order):
        end_s = min(durations[client], round_s)
        axes.barh(place, end_s, height=0.7, **(KEPT if client in kept else LOST))
        rows.append({"client": client, "end_s": end_s, "is_kept": client in kept})
    axes.axvline(round_s, color="black", linestyle="--")
    axes.set(xlabel="simulated time since the round began [s]", ylabel="client, fastest first")
    axes.set_yticks([])
    axes.set_xlim(0, 1.02 * round_s)
    faces = [Patch(**KEPT, label="kept"), Patch(**LOST, label="worked in vain")]
    axes.legend(handles=faces, **plots.OUTSIDE)
    axes.set_title(title, loc="left", weight="bold")
    return rows
