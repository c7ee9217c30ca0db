# message: withheld
import numpy as np
import torch
from torch.nn.utils import prune


def magnitude_mask(weights, sparsity):
    tensor = torch.as_tensor(weights)
    amount = tensor.numel() - round((1 - sparsity) * tensor.numel())
    return prune.L1Unstructured(amount).compute_mask(tensor, torch.ones_like(tensor)).bool()


def strongest_channels(weights, keep):
    norms = np.sqrt((weights.reshape(len(weights), -1) ** 2).sum(axis=1))
    return np.sort(np.argsort(-norms)[:keep])


def shrink_groups(weights, threshold):
    rows = weights.reshape(len(weights), -1)
    norms = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    left = np.maximum(norms - threshold, 0)
    return (rows * left / np.where(norms > 0, norms, 1)).reshape(weights.shape)
