"""Trains the same federation over several channels, with the same seeds, and compares.

Each seed gives every channel the same first weights, the same clients a round and the same order of
their samples, so differences belong to what was sent. The accuracy of a run is the mean over its
last rounds, since that of one round jumps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from course_utils import plots, records, stats
from labs.federated_learning import loop
from labs.federated_learning.tasks import Task

Positions = NDArray[np.int64]
AT_END = 5  # rounds over which the accuracy of a run is averaged


@dataclass(frozen=True)
class Run:
    """A training run over one channel.

    Parameters
    ----------
    accuracy
        Share of the test samples that are right, mean over the last `AT_END` rounds.
    sent_bytes
        By all clients in all rounds.
    """

    accuracy: float
    sent_bytes: int


def compare(
    task: Task,
    parts: Sequence[Positions],
    *,
    setting: loop.Setting,
    channels: Mapping[str, Callable[[int], loop.Channel]],
    seeds: Sequence[int],
) -> dict[str, list[Run]]:
    """Return the runs of each channel, one a seed.

    Parameters
    ----------
    task, parts, setting
        The federation; the seed of the setting is replaced.
    channels
        By name: the channel of a seed. A new one for each run, since channels remember.
    seeds
        Of the runs.
    """
    found: dict[str, list[Run]] = {}
    for name, channel in channels.items():
        found[name] = []
        for seed in seeds:
            history = loop.run(
                task, parts, setting=replace(setting, seed=seed), channel=channel(seed)
            )
            accuracy = float(np.mean(history.accuracy[1:][-AT_END:]))
            found[name].append(Run(accuracy, sum(history.bytes_up)))
    return found


def accuracy(runs: Sequence[Run]) -> records.Result:
    """Return the mean accuracy of runs with its interval over the seeds."""
    return stats.mean_interval([run.accuracy for run in runs]).result()


def sent_bytes(runs: Sequence[Run]) -> records.Result:
    """Return what the clients of a run sent, the mean over the seeds [B]; counted."""
    return records.counted(float(np.mean([run.sent_bytes for run in runs])))


def accuracy_lost(runs: Sequence[Run], *, against: Sequence[Run]) -> records.Result:
    """Return by how much runs are less accurate than others, with the interval of paired seeds.

    Parameters
    ----------
    runs, against
        One a seed, in the same order, two at least; above 0 where `against` is more accurate.
    """
    pairs = zip(against, runs, strict=True)
    return stats.mean_interval([a.accuracy - b.accuracy for a, b in pairs]).result()


def draw(axes: Axes, found: Mapping[str, Sequence[Run]], *, title: str) -> plots.Rows:
    """Draw accuracy over bytes, the axis of bytes logarithmic.

    Parameters
    ----------
    axes
        Where.
    found
        From `compare`.
    title
        What the figure shows.
    """
    axes.set_xscale("log")
    points = [(name, sent_bytes(runs), accuracy(runs)) for name, runs in found.items()]
    return plots.pareto_front(
        axes, points, x_label="sent by all clients [B]", y_label="test accuracy [1]", title=title
    )
