"""Counting right and wrong answers, by way of scikit-learn."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn import metrics

Whole = npt.NDArray[np.int64]


def confusion(labels: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> Whole:
    """Return how many clips of each class were taken for each class.

    Parameters
    ----------
    labels, predictions
        (n,), whole numbers from 0 to ``classes - 1``.
    classes
        >= 1.

    Returns
    -------
    ndarray
        (classes, classes), a row for each true class.
    """
    table: Whole = metrics.confusion_matrix(labels, predictions, labels=range(classes))
    return table


def top1_of_speakers(
    right: npt.ArrayLike, speakers: npt.ArrayLike, drawn: Sequence[int] | Whole
) -> float:
    """Return the share of right answers over the clips of some speakers.

    Parameters
    ----------
    right
        (n,), whether each clip was understood.
    speakers
        (n,), the number of the one who speaks.
    drawn
        Numbers of speakers; one that is named twice counts twice.
    """
    times = (np.asarray(speakers)[:, None] == np.asarray(drawn)).sum(1)
    truth = np.ones(len(times))
    return float(metrics.accuracy_score(truth, np.asarray(right), sample_weight=times))
