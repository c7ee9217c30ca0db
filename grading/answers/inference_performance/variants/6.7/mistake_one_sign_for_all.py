# message: smaller than a change
import numpy as np


def layer_bound(weights, weight_error, inputs, input_error):
    corners = np.array(
        [
            (weights + s * weight_error) * (inputs + t * input_error)
            for s in (-1, 1)
            for t in (-1, 1)
        ]
    )
    middle = weights * inputs
    return np.abs((corners - middle).sum(axis=2)).max(axis=0)
