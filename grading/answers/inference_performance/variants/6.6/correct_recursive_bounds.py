import numpy as np


def score_bounds(tree, codes):
    def bounds(node):
        f = tree["feature"][node]
        if f < 0:
            return tree["values"][node], tree["values"][node]
        left, right = tree["left"][node], tree["right"][node]
        if codes[f] < tree["split"][node]:
            return bounds(left)
        if codes[f] > tree["split"][node]:
            return bounds(right)
        (a, b), (c, d) = bounds(left), bounds(right)
        return np.minimum(a, c), np.maximum(b, d)

    return np.array(bounds(0))
