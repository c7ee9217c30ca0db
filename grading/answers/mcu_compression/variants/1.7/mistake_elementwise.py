# message: keeps its direction
import numpy as np


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
    rows = weights.reshape(len(weights), -1)
    norms = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    each = threshold / np.sqrt((rows != 0).sum(axis=1, keepdims=True).clip(1))
    softened = np.sign(rows) * np.maximum(np.abs(rows) - each, 0)
    sizes = np.sqrt((softened**2).sum(axis=1, keepdims=True))
    softened *= np.maximum(norms - threshold, 0) / np.where(sizes > 0, sizes, 1)
    return np.where(norms > threshold, softened, 0).reshape(weights.shape)
