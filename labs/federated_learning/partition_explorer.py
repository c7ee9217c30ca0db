"""Sliders over a partition: how it is dealt, alpha, clients, seed; and how unequal the parts are.

What it leaves in the notebook is an ordinary picture with its text. Nothing is trained.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from course_utils import plots
from labs.federated_learning import label_skew, limits, partition_pictures, partitions
from labs.shared.sliders import show_with_sliders

ALPHAS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
MOST_CLIENTS, MOST_SEEDS = partition_pictures.MOST_BARS, 20


@dataclass(frozen=True, repr=False)
class PartitionExplorer:
    """The classes of clients as bars, redrawn for another way to deal them.

    Parameters
    ----------
    labels
        (n,), the classes of the samples.
    data
        Name of the data set, for the foot of the picture.
    skew
        ``skew(labels, parts)``, yours or the given one.
    partition, alpha, clients, seed
        What is shown first.
    """

    labels: NDArray[np.int64] = field(repr=False)
    data: str
    skew: Callable[..., float] = field(default=label_skew.skew, repr=False)
    partition: str = "dirichlet"
    alpha: float = 0.3
    clients: int = 20
    seed: int = 0

    @mpl.rc_context(plots.STYLE)
    def picture(self, partition: str, alpha: float, *, clients: int, seed: int) -> plots.Picture:
        """Return the bars of a partition, with the skew in its title, or why there is none.

        `partition`, `alpha`, `clients` and `seed` are those of `partitions.deal_labels`.
        """
        figure, axes = plots.new_figure(data=self.data, wide=True)
        dealt = partition if partition != "dirichlet" else f"{partition}, alpha {alpha:g}"
        asked: dict[str, Any] = {"clients": clients, "alpha": alpha, "seed": seed}
        try:
            parts = partitions.deal_labels(self.labels, partition, **asked)
        except partitions.PartitionError as err:
            axes.set_axis_off()
            axes.set_title(f"{dealt}: no such partition", loc="left", weight="bold")
            return plots.show(figure, alt=f"{dealt}, {clients} clients: {err}")
        chance = label_skew.chance(self.labels, parts, seed=seed)
        title = f"{dealt}: skew {self.skew(self.labels, parts):.2f}, by chance {chance:.2f}"
        partition_pictures.class_bars(axes, self.labels, parts=parts, title=title)
        told = partition_pictures.class_bars_alt(self.labels, parts)
        return plots.show(figure, alt=f"{title}. {told}")

    def _ipython_display_(self) -> None:
        options = sorted({*ALPHAS, self.alpha})
        show_with_sliders(
            self.picture,
            partition=("Dropdown", self.partition, limits.CHOICES["partition"]),
            alpha=("Dropdown", self.alpha, tuple(options)),
            clients=("IntSlider", min(self.clients, MOST_CLIENTS), (2, MOST_CLIENTS, 1)),
            seed=("IntSlider", min(self.seed, MOST_SEEDS), (0, MOST_SEEDS, 1)),
        )
