# message: smaller than a change
import numpy as np


def layer_bound(weights, weight_error, inputs, input_error):
    return np.abs(weight_error @ inputs + weights @ input_error + weight_error @ input_error)
