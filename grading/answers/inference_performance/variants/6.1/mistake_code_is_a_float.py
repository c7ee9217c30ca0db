# message: return an int
import numpy as np


def float32_threshold(threshold):
    near = np.float32(threshold)
    return np.nextafter(near, np.float32(-np.inf)) if float(near) > threshold else near


def ordered_code(number):
    bits = float(np.abs(np.float32(number)).view(np.int32))
    return -bits if number < 0 else bits
