"""Sliders over a pipeline: stages, micro-batches, schedule, a slow last stage, time to send.

What it leaves in the notebook is an ordinary picture with its text. Everything is simulated; what
real ranks did is `labs.gpu_training.split_runs`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import matplotlib as mpl

from course_utils import plots
from labs.gpu_training import schedule_pictures
from labs.gpu_training.schedules import Schedule, Timeline, simulate
from labs.gpu_training.words import plural
from labs.shared.sliders import show_with_sliders

MOST_STAGES, MOST_MICRO_BATCHES = 8, 16


@dataclass(frozen=True, repr=False)
class ScheduleExplorer:
    """The timeline of a pipeline, redrawn for another size, schedule or balance.

    A forward takes 1, a backward 2 units of time.

    Parameters
    ----------
    schedules
        Name -> ``schedule(stages, micro_batches)``, yours or the given ones.
    stages, micro_batches, schedule, last_stage, send
        What is shown first.

    Raises
    ------
    ValueError
        If there is no schedule of that name.
    """

    schedules: Mapping[str, Callable[[int, int], Schedule]] = field(repr=False)
    stages: int = 4
    micro_batches: int = 8
    schedule: str = "1F1B"
    last_stage: float = 1.0
    send: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a schedule that there is not."""
        if self.schedule not in self.schedules:
            raise ValueError(
                f"schedule is {self.schedule!r}; give one of {', '.join(self.schedules)}"
            )

    def timeline(
        self, stages: int, micro_batches: int, *, schedule: str, last_stage: float, send: float
    ) -> Timeline:
        """Return the timeline of a pipeline of so many `stages` and `micro_batches`.

        The last stage takes `last_stage` times as long as the others; what a stage sends arrives
        `send` units later. `schedule` is a name.
        """
        slow = [1.0] * (stages - 1) + [last_stage]
        work = self.schedules[schedule](stages, micro_batches)
        return simulate(work, forward=slow, backward=[2 * x for x in slow], send=send)

    @mpl.rc_context(plots.STYLE)
    def picture(
        self, stages: int, micro_batches: int, *, schedule: str, last_stage: float, send: float
    ) -> plots.Picture:
        """Return the Gantt chart of a setting, with the idle share and what is kept in its title.

        `stages`, `micro_batches`, `schedule`, `last_stage` and `send` are those of `timeline`.
        """
        timeline = self.timeline(
            stages, micro_batches, schedule=schedule, last_stage=last_stage, send=send
        )
        equal = (stages - 1) / (micro_batches + stages - 1)
        idle, kept = f"{timeline.bubble_share:.0%} idle", plural(sum(timeline.held), "micro-batch")
        title = f"{schedule}: {idle}, {kept} kept on all stages together"
        figure, axes = plots.new_figure(data="none, simulated", wide=True)
        label = "time [forwards of one micro-batch]"
        schedule_pictures.gantt(axes, timeline, title=title, x_label=label)
        told = schedule_pictures.gantt_alt(timeline)
        more = f"Equal stages that send in no time would be idle for {equal:.1%}."
        slow = f"The last stage takes the others' time x {last_stage:g}; sending takes {send:g}."
        return plots.show(figure, alt=f"{title}. {slow} {more} {told}")

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            stages=("IntSlider", self.stages, (1, MOST_STAGES, 1)),
            micro_batches=("IntSlider", self.micro_batches, (1, MOST_MICRO_BATCHES, 1)),
            schedule=("Dropdown", self.schedule, tuple(self.schedules)),
            last_stage=("FloatSlider", self.last_stage, (0.5, 3.0, 0.25)),
            send=("FloatSlider", self.send, (0.0, 2.0, 0.25)),
        )
