# message: this is above the threshold
import numpy as np


def float32_threshold(threshold):
    return np.float32(threshold)


def ordered_code(number):
    bits = int(np.abs(np.float32(number)).view(np.int32))
    return -bits if number < 0 else bits
