# message: a larger float32 is not above the threshold either
import numpy as np


def float32_threshold(threshold):
    return np.nextafter(np.float32(threshold), np.float32(-np.inf))


def ordered_code(number):
    bits = int(np.abs(np.float32(number)).view(np.int32))
    return -bits if number < 0 else bits
