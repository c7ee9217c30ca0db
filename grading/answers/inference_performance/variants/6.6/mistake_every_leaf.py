# message: low: expected
import numpy as np


def score_bounds(tree, codes):
    found, stack = [], [0]
    while stack:
        node = stack.pop()
        f = tree["feature"][node]
        if f < 0:
            found.append(node)
            continue
        stack += [tree["left"][node], tree["right"][node]]
    values = tree["values"][found]
    return values.min(axis=0), values.max(axis=0)
