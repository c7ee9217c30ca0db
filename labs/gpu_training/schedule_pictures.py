"""A pipeline's timeline as a Gantt chart; it draws into an `Axes` and computes nothing."""

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots
from labs.gpu_training.schedules import BACKWARD, FORWARD, Timeline
from labs.gpu_training.words import plural

FACES: dict[str, dict[str, Any]] = {
    FORWARD: {"fc": (plots.COLORS[0], 0.55), "ec": "black", "lw": 0.5},
    BACKWARD: {"fc": (plots.COLORS[4], 0.55), "ec": "black", "lw": 0.5, "hatch": "////"},
}
NAMES = {FORWARD: "forward", BACKWARD: "backward"}
NARROWEST = 0.018  # share of the time axis that a number needs


@mpl.rc_context(plots.STYLE)
def gantt(axes: Axes, timeline: Timeline, *, title: str, x_label: str) -> list[dict[str, Any]]:
    """Draw each stage's work as a row, with the numbers of the micro-batches where there is room.

    Rows: ``stage, kind, micro_batch, start, end`` of each bar.

    Parameters
    ----------
    axes
        Of a wide figure.
    timeline
        Of one step.
    title
        One line, the sentence that the figure shows.
    x_label
        Quantity and unit of the time axis.
    """
    room = NARROWEST * timeline.makespan
    for span in timeline.spans:
        long = span.end - span.start
        axes.barh(span.stage, long, 0.8, span.start, **FACES[span.kind])
        if long >= room:
            middle = span.start + long / 2
            look: dict[str, Any] = {"ha": "center", "va": "center", "size": 6}
            box = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8}
            axes.text(middle, span.stage, str(span.micro_batch), bbox=box, **look)
    for kind, name in NAMES.items():
        axes.barh([0], [0], label=name, **FACES[kind])
    axes.set_yticks(range(timeline.stages), [f"stage {stage}" for stage in range(timeline.stages)])
    axes.set_ylim(timeline.stages - 0.5, -0.5)
    start = min(span.start for span in timeline.spans)
    axes.set_xlim(start, start + timeline.makespan)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(x_label)
    axes.legend(**plots.OUTSIDE)
    axes.set_title(title, loc="left", weight="bold")
    names = ("stage", "kind", "micro_batch", "start", "end")
    return [{name: getattr(span, name) for name in names} for span in timeline.spans]


def gantt_alt(timeline: Timeline) -> str:
    """Return in words what the chart shows: order of work, waiting share and activations kept."""
    rows = [
        f"stage {stage}: {' '.join(f'{s.kind}{s.micro_batch}' for s in timeline.of(stage))}"
        for stage in range(timeline.stages)
    ]
    held = ", ".join(map(str, timeline.held))
    return (
        f"Gantt chart of {plural(timeline.stages, 'stage')}, "
        f"{timeline.bubble_share:.1%} of their time idle, at most {held} micro-batches kept. "
        f"{'; '.join(rows)}."
    )
