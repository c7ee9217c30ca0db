# message: the mean over the worst
import numpy as np


def three_averages(accuracies, sizes, share):
    worst = np.sort(accuracies)[: max(1, round(share * len(accuracies)))]
    return (
        np.average(accuracies, weights=sizes),
        np.mean(accuracies),
        np.average(worst, weights=sizes[np.argsort(accuracies)][: len(worst)]),
    )


def reweighted(losses, sizes, q):
    weights = sizes * (losses / np.max(losses)) ** q
    return weights / weights.sum()
