# message: with q = 1000
import numpy as np


def three_averages(accuracies, sizes, share):
    worst = np.sort(accuracies)[: max(1, round(share * len(accuracies)))]
    return np.average(accuracies, weights=sizes), np.mean(accuracies), np.mean(worst)


def reweighted(losses, sizes, q):
    weights = sizes * losses**q
    return weights / weights.sum()
