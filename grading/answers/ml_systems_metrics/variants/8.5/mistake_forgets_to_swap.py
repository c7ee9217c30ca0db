# message: bars that overlap
import numpy as np


def sort_out(low, high, better):
    worst, top = np.array(low, dtype=float), np.array(high, dtype=float)
    for j, way in enumerate(better):
        if way == "lower":
            worst[:, j], top[:, j] = -np.array(low)[:, j], -np.array(high)[:, j]
    kinds = []
    for i in range(len(worst)):
        kind = "surely"
        for j in range(len(worst)):
            if i == j:
                continue
            if (worst[j] >= top[i]).all() and (worst[j] > top[i]).any():
                kind = "dominated"
                break
            if (top[j] >= worst[i]).all() and (top[j] > worst[i]).any():
                kind = "possibly"
        kinds.append(kind)
    return kinds
