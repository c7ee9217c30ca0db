import math

import numpy as np


def float32_threshold(threshold):
    exact = float(threshold)
    step = 2.0 ** (max(math.frexp(exact)[1], -125) - 24)
    return np.float32(math.floor(exact / step) * step)


def ordered_code(number):
    bits = np.array([number], dtype=np.float32).view(np.int32)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)[0]
