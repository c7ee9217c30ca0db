import numpy as np


def ordered_code(number):
    word = int(np.float32(number).view(np.uint32))
    return word if word < 2**31 else 2**31 - word


def _number(code):
    value = np.array(abs(code), dtype=np.int32).view(np.float32)
    return -value if code < 0 else value


def float32_threshold(threshold):
    low, high = -0x7F7FFFFF, 0x7F7FFFFF
    while low < high:
        middle = (low + high + 1) // 2
        if float(_number(middle)) <= threshold:
            low = middle
        else:
            high = middle - 1
    return _number(low)
