# message: expected
import numpy as np


def float32_threshold(threshold):
    near = np.float32(threshold)
    return near - np.float32(1e-7) if float(near) > threshold else near


def ordered_code(number):
    bits = int(np.abs(np.float32(number)).view(np.int32))
    return -bits if number < 0 else bits
