# message: withheld
import numpy as np

from labs.federated_learning.checks.private import mask_by_hand, words_of
from labs.federated_learning.pads import Pads


def reconstruct(weight_gradient, bias_gradient):
    if not np.any(bias_gradient):
        raise ValueError("every bias gradient is zero: nothing passed this layer")
    row = np.argmax(np.abs(bias_gradient))
    return weight_gradient[row] / bias_gradient[row]


def masked(x, rank, *, scale, seeds, expand):
    pads = Pads(np.random.default_rng(0))
    pads.words = expand
    return mask_by_hand(words_of(x, scale), rank, seeds=seeds, pads=pads)


def unmasked(total, revealed, *, scale, expand):
    for gone, seeds in revealed.items():
        total = total + masked(0.0 * total, gone, scale=scale, seeds=seeds, expand=expand)
    return total.astype(np.int32) / scale
