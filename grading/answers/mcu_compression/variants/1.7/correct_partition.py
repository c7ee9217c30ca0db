import numpy as np


def magnitude_mask(weights, sparsity):
    squares = np.square(weights.astype(float))
    gone = squares.size - int(np.rint((1 - sparsity) * squares.size))
    mask = np.ones(squares.shape, bool)
    if gone:
        mask.flat[np.argpartition(squares, gone - 1, axis=None)[:gone]] = False
    return mask


def strongest_channels(weights, keep):
    rows = weights.reshape(len(weights), -1).astype(float)
    strength = np.einsum("ci,ci->c", rows, rows)
    is_kept = np.zeros(len(weights), bool)
    is_kept[np.lexsort((np.arange(len(weights)), strength))[len(weights) - keep :]] = True
    return np.flatnonzero(is_kept)


def shrink_groups(weights, threshold):
    """What is left of each channel beyond its projection onto the ball of that radius."""
    axes = tuple(range(1, weights.ndim))
    norms = np.linalg.norm(weights.reshape(len(weights), -1), axis=1).reshape(-1, *[1] * len(axes))
    inside = np.divide(threshold, norms, out=np.ones_like(norms), where=norms > threshold)
    return weights - weights * inside
