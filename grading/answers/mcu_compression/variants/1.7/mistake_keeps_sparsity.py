# message: exactly 81 stay
import numpy as np


def magnitude_mask(weights, sparsity):
    magnitudes = np.abs(weights).ravel()
    keep = round(sparsity * magnitudes.size)
    mask = np.zeros(magnitudes.size, dtype=bool)
    mask[np.argsort(-magnitudes)[:keep]] = True
    return mask.reshape(weights.shape)


def strongest_channels(weights, keep):
    norms = np.sqrt((weights.reshape(len(weights), -1) ** 2).sum(axis=1))
    return np.sort(np.argsort(-norms)[:keep])


def shrink_groups(weights, threshold):
    rows = weights.reshape(len(weights), -1)
    norms = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    left = np.maximum(norms - threshold, 0)
    return (rows * left / np.where(norms > 0, norms, 1)).reshape(weights.shape)
