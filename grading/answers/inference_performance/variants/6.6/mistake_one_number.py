# message: one number a class
import numpy as np


def score_bounds(tree, codes):
    found, stack = [], [0]
    while stack:
        node = stack.pop()
        f = tree["feature"][node]
        if f < 0:
            found.append(node)
            continue
        code, split = codes[f], tree["split"][node]
        if code <= split:
            stack.append(tree["left"][node])
        if code >= split:
            stack.append(tree["right"][node])
    values = tree["values"][found]
    return values.min(), values.max()
