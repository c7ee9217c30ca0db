import numpy as np


def three_averages(accuracies, sizes, share):
    each = np.repeat(accuracies, sizes)
    count = max(1, round(share * len(accuracies)))
    order = np.argsort(accuracies)
    return np.array([each.mean(), accuracies.mean(), accuracies[order[:count]].mean()])


def reweighted(losses, sizes, q):
    import torch

    return torch.softmax(q * torch.tensor(losses).log() + torch.tensor(sizes).double().log(), 0)
