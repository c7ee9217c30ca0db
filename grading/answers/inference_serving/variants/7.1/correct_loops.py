import math

import numpy as np


def attend(query, key, value, *, keys, values):
    longer_keys, longer_values, mixed = [], [], []
    for head in range(query.shape[0]):
        k = np.vstack([keys[head], key[head]])
        v = np.vstack([values[head], value[head]])
        scores = [float(np.dot(query[head], row)) / math.sqrt(len(row)) for row in k]
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        mixed.append(sum(p / total * row for p, row in zip(powers, v, strict=True)))
        longer_keys.append(k)
        longer_values.append(v)
    return np.array(mixed), np.array(longer_keys), np.array(longer_values)
