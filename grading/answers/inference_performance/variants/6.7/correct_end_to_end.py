import numpy as np


def layer_bound(weights, weight_error, inputs, input_error):
    a, b = weights - weight_error, weights + weight_error
    c, d = inputs - input_error, inputs + input_error
    stacked = np.stack([a * c, a * d, b * c, b * d])
    middle = weights @ inputs
    return np.fmax(stacked.max(0).sum(1) - middle, middle - stacked.min(0).sum(1))
