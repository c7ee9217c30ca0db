# message: more bits than it takes
import numpy as np


def accumulator_bits(weights, biases):
    return 4 + 4 + int(np.ceil(np.log2(weights.shape[1] + 1)))
