# message: the code of -1.0: expected -1065353216
import numpy as np


def float32_threshold(threshold):
    near = np.float32(threshold)
    return np.nextafter(near, np.float32(-np.inf)) if float(near) > threshold else near


def ordered_code(number):
    bits = int(np.float32(number).view(np.int32))
    return bits if bits >= 0 else -1 - (bits & 0x7FFFFFFF)
