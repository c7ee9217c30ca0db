# message: smaller than a change that can happen
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
    return (corners.max(axis=0) - middle).sum(axis=1)
