# message: one of magnitude
import numpy as np


def magnitude_mask(weights, sparsity):
    rows = np.abs(weights).reshape(len(weights), -1)
    keep = round((1 - sparsity) * rows.size)
    each = [keep // len(rows) + (i < keep % len(rows)) for i in range(len(rows))]
    order = np.argsort(np.argsort(-rows, axis=1), axis=1)
    return (order < np.array(each)[:, None]).reshape(weights.shape)


def strongest_channels(weights, keep):
    norms = np.sqrt((weights.reshape(len(weights), -1) ** 2).sum(axis=1))
    return np.sort(np.argsort(-norms)[:keep])


def shrink_groups(weights, threshold):
    rows = weights.reshape(len(weights), -1)
    norms = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    left = np.maximum(norms - threshold, 0)
    return (rows * left / np.where(norms > 0, norms, 1)).reshape(weights.shape)
