import numpy as np


def three_averages(accuracies, sizes, share):
    count = max(1, int(np.rint(share * len(accuracies))))
    worst = np.partition(accuracies, count - 1)[:count]
    return [accuracies @ sizes / sizes.sum(), accuracies.mean(), worst.mean()]


def reweighted(losses, sizes, q):
    exponents = q * np.log(losses) + np.log(sizes)
    weights = np.exp(exponents - exponents.max())
    return weights / weights.sum()
