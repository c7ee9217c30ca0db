import numpy as np


def magnitude_mask(weights, sparsity):
    n = np.size(weights)
    order = np.argsort(np.abs(weights), axis=None, kind="stable")[::-1]
    rank = np.empty(n, int)
    rank[order] = np.arange(n)
    return (rank < round(n * (1 - sparsity))).astype(int).reshape(np.shape(weights))


def strongest_channels(weights, keep):
    norms = [np.linalg.norm(channel.ravel()) for channel in weights]
    border = sorted(norms)[-keep]
    return [c for c, norm in enumerate(norms) if norm >= border]


def shrink_groups(weights, threshold):
    return np.stack(
        [
            channel * (1 - threshold / norm)
            if (norm := np.linalg.norm(channel)) > threshold
            else np.zeros_like(channel)
            for channel in weights
        ]
    )
