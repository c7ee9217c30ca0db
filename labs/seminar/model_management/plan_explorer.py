"""Sliders over a chain of models, with what each distance of snapshots would store and read.

Storage and reading come from a function that is handed in, that of exercise 5.4 or the given one;
nothing is measured here. What it leaves in the notebook is an ordinary picture with its text.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from course_utils import plots
from course_utils.records import Result
from labs.shared.sliders import show_with_sliders

BYTES_PER_MB = 1e6
Plan = Callable[..., Any]


@dataclass(frozen=True, repr=False)
class SnapshotPlans:
    """Storage of a chain against the most that one recovery reads, a point a distance.

    Parameters
    ----------
    chain_plan
        ``chain_plan(full_bytes, update_bytes, models=..., every=...) -> (total, most_read)``.
    full_mb
        Size of a snapshot [MB].
    changed_percent
        Share of it that an update holds [%].
    models
        Length of the chain.
    """

    chain_plan: Plan = field(repr=False)
    full_mb: float = 46.8
    changed_percent: float = 4.4
    models: int = 32

    def points(
        self, full_mb: float, changed_percent: float, *, models: int
    ) -> list[tuple[str, Result, Result]]:
        """Return the name, the storage and the most read [MB] of each distance 1, 2, 4 and so on.

        Parameters
        ----------
        full_mb, changed_percent, models
            Those of the sliders.
        """
        full = round(full_mb * BYTES_PER_MB)
        update = round(full * changed_percent / 100)
        found = []
        every = 1
        while every < 2 * models:
            total, most = self.chain_plan(full, update, models=models, every=min(every, models))
            found.append((f"every {min(every, models)}", _modelled(total), _modelled(most)))
            every *= 2
        return found

    def picture(self, full_mb: float, changed_percent: float, *, models: int) -> plots.Picture:
        """Return the points as a picture.

        Parameters
        ----------
        full_mb, changed_percent, models
            Those of the sliders.
        """
        points = self.points(full_mb, changed_percent, models=models)
        figure, axes = plots.new_figure(wide=True)
        title = (
            f"{models} models of {full_mb:g} MB, {changed_percent:g} % changed: each distance of "
            "snapshots buys storage with reading"
        )
        plots.pareto_front(
            axes,
            points,
            x_label="storage of the chain [MB]",
            y_label="most read [MB]",
            title=title,
            better=("lower", "lower"),
        )
        told = "; ".join(f"{n}: {x.value:.0f} MB stored, {y.value:.0f} read" for n, x, y in points)
        return plots.show(figure, alt=f"{title}. {told}.")

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            full_mb=("FloatSlider", self.full_mb, (1.0, 200.0, 0.1)),
            changed_percent=("FloatSlider", self.changed_percent, (0.0, 100.0, 0.1)),
            models=("IntSlider", self.models, (2, 128, 1)),
        )


def _modelled(size_bytes: float) -> Result:
    value = size_bytes / BYTES_PER_MB
    return Result(value, value, value, n=1, kind="modelled")
