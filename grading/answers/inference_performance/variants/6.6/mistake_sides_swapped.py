# message: expected
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
            stack.append(tree["right"][node])
        if code >= split:
            stack.append(tree["left"][node])
    values = tree["values"][found]
    return values.min(axis=0), values.max(axis=0)
