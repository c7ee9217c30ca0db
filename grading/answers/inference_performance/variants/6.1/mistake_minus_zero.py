# message: the code of -0.0: expected 0
import numpy as np


def float32_threshold(threshold):
    near = np.float32(threshold)
    return np.nextafter(near, np.float32(-np.inf)) if float(near) > threshold else near


def ordered_code(number):
    bits = int(np.float32(number).view(np.int32))
    return bits if number >= 0 else -(bits & 0x7FFFFFFF)
