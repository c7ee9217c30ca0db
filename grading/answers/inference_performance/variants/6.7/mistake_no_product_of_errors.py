# message: smaller than a change that can happen
import numpy as np


def layer_bound(weights, weight_error, inputs, input_error):
    return weight_error @ np.abs(inputs) + np.abs(weights) @ input_error
