# message: operations of a step
import numpy as np


def attainable_ops_per_s(intensity, peak, bandwidth):
    return np.minimum(peak, bandwidth * intensity)


def linear_intensity(tokens, inputs, outputs, number_bytes):
    numbers = tokens * inputs + inputs * outputs + tokens * outputs
    return 2 * tokens * inputs * outputs / (number_bytes * numbers)


def step_ops(tokens, parameters, layers, width, context):
    return tokens * (6 * parameters + 12 * width * context)
