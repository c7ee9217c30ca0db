# message: also where magnitudes are equal
import numpy as np


def magnitude_mask(weights, sparsity):
    return np.abs(weights) > np.quantile(np.abs(weights), sparsity)


def strongest_channels(weights, keep):
    norms = np.sqrt((weights.reshape(len(weights), -1) ** 2).sum(axis=1))
    return np.sort(np.argsort(-norms)[:keep])


def shrink_groups(weights, threshold):
    rows = weights.reshape(len(weights), -1)
    norms = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    left = np.maximum(norms - threshold, 0)
    return (rows * left / np.where(norms > 0, norms, 1)).reshape(weights.shape)
