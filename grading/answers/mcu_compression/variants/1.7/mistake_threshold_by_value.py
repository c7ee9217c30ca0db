# message: exactly 5 stay
import numpy as np


def magnitude_mask(weights, sparsity):
    magnitudes = np.abs(weights)
    threshold = np.sort(magnitudes, axis=None)[round(sparsity * weights.size)]
    return magnitudes >= threshold


def strongest_channels(weights, keep):
    norms = np.sqrt((weights.reshape(len(weights), -1) ** 2).sum(axis=1))
    return np.sort(np.argsort(-norms)[:keep])


def shrink_groups(weights, threshold):
    rows = weights.reshape(len(weights), -1)
    norms = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    left = np.maximum(norms - threshold, 0)
    return (rows * left / np.where(norms > 0, norms, 1)).reshape(weights.shape)
