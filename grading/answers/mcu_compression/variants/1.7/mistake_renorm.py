# message: withheld
import numpy as np
import torch


def magnitude_mask(weights, sparsity):
    magnitudes = np.abs(weights).ravel()
    keep = round((1 - sparsity) * magnitudes.size)
    mask = np.zeros(magnitudes.size, dtype=bool)
    mask[np.argsort(-magnitudes)[:keep]] = True
    return mask.reshape(weights.shape)


def strongest_channels(weights, keep):
    norms = np.sqrt((weights.reshape(len(weights), -1) ** 2).sum(axis=1))
    return np.sort(np.argsort(-norms)[:keep])


def shrink_groups(weights, threshold):
    tensor = torch.as_tensor(weights)
    return tensor - torch.renorm(tensor, 2, 0, threshold)
