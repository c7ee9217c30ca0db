"""Compares trained weights on samples that nobody trained on: accuracies, and their difference.

Recordings of one person are alike, so intervals for speech resample speakers; images stand each
for itself. Nothing is trained here.
"""

from collections.abc import Sequence

from numpy.random import Generator
from torch import Tensor

from course_utils import stats
from course_utils.records import Result
from labs.federated_learning.loop import correct
from labs.federated_learning.tasks import SPEECH, Task
from labs.shared import keywords


def owners_of_test(task: Task) -> Sequence[str] | None:
    """Return who speaks in each test recording; None for a task without owners.

    Parameters
    ----------
    task
        As loaded, its test samples complete and in order.
    """
    if task.name not in SPEECH:
        return None
    return [str(each) for each in keywords.load_clips(task.name, "test").speakers]


def top1(task: Task, weights: Tensor, *, rng: Generator) -> Result:
    """Return the share of test samples that are right, with its interval of 95 %.

    Wilson's for images, a bootstrap of speakers for speech.

    Parameters
    ----------
    task
        Test samples and network.
    weights
        (size,).
    rng
        For the bootstrap.
    """
    right = correct(task, weights)
    owners = owners_of_test(task)
    if owners is None:
        return stats.proportion_interval(int(right.sum()), len(right)).result()
    return stats.cluster_bootstrap(right.astype(float), owners, rng=rng).result()


def gap(task: Task, pair: tuple[Tensor, Tensor], *, rng: Generator) -> Result:
    """Return the first accuracy minus the second on the same samples, with its interval.

    Parameters
    ----------
    task
        Test samples and network.
    pair
        Two weights, (size,) each.
    rng
        For the bootstrap.
    """
    first, second = (correct(task, each).astype(float) for each in pair)
    return stats.paired_difference(first, second, rng=rng, clusters=owners_of_test(task)).result()
