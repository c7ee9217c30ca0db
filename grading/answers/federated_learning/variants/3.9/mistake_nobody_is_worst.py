# message: the mean over the worst
import numpy as np


def three_averages(accuracies, sizes, share):
    worst = np.sort(accuracies)[: round(share * len(accuracies))]
    return np.average(accuracies, weights=sizes), np.mean(accuracies), np.mean(worst)


def reweighted(losses, sizes, q):
    weights = sizes * (losses / np.max(losses)) ** q
    return weights / weights.sum()
