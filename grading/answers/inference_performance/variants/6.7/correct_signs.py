import numpy as np


def layer_bound(weights, weight_error, inputs, input_error):
    # The best input for a fixed weight is an end; the sum over inputs is then linear in the weight.
    def farthest(direction):
        best = -np.inf * np.ones(np.shape(weights))
        for s in (-1, 1):
            w = weights + s * weight_error
            best = np.maximum(best, direction * (w * inputs) + np.abs(w) * input_error)
        return (best - direction * weights * inputs).sum(-1)

    return tuple(np.maximum(farthest(1), farthest(-1)).tolist())
