import numpy as np


def attainable_ops_per_s(intensity, peak, bandwidth):
    ridge = peak / bandwidth
    return np.where(np.asarray(intensity) < ridge, bandwidth * np.asarray(intensity), peak)


def linear_intensity(tokens, inputs, outputs, number_bytes):
    # Operations for each number of one side, added up as resistors in parallel are.
    return 2 / number_bytes / (1 / tokens + 1 / inputs + 1 / outputs)


def step_ops(tokens, parameters, layers, width, context):
    forward = tokens * 2 * parameters + layers * 2 * (2 * tokens * context * width)
    backward = 2 * forward
    return forward + backward
