import numpy as np


def accumulator_bits(weights, biases):
    w, b = np.array(weights, dtype=object), np.array(biases, dtype=object)
    sums = []
    for row, bias in zip(w, b):
        for up, down in ((7, -8), (-8, 7)):
            inputs = [up if x > 0 else down for x in row]
            sums.append(int(bias) + sum(int(x) * i for x, i in zip(row, inputs)))
    bits = 1
    while min(sums) < -(2 ** (bits - 1)) or max(sums) > 2 ** (bits - 1) - 1:
        bits += 1
    return np.int64(bits)
