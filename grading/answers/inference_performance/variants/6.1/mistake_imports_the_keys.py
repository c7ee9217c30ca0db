# message: withheld
import numpy as np

from labs.seminar.inference_performance import keys


def float32_threshold(threshold):
    return keys.float32_thresholds(np.array([threshold]))[0]


def ordered_code(number):
    return int(keys.ordered_codes(np.array([number]))[0])
