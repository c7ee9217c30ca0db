# message: the mean over the worst
import numpy as np


def three_averages(accuracies, sizes, share):
    return (
        np.average(accuracies, weights=sizes),
        np.mean(accuracies),
        np.quantile(accuracies, share),
    )


def reweighted(losses, sizes, q):
    weights = sizes * (losses / np.max(losses)) ** q
    return weights / weights.sum()
