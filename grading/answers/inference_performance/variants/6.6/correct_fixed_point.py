import numpy as np


def score_bounds(tree, codes):
    n = len(tree["feature"])
    inner = np.flatnonzero(tree["feature"] >= 0)
    compare = np.sign(codes[tree["feature"][inner]] - tree["split"][inner])
    reached = np.zeros(n, bool)
    reached[0] = True
    before = 0
    while reached.sum() != before:
        before = reached.sum()
        here = reached[inner]
        reached[tree["left"][inner[here & (compare <= 0)]]] = True
        reached[tree["right"][inner[here & (compare >= 0)]]] = True
    values = tree["values"][reached & (tree["feature"] < 0)].astype(np.float32)
    return [values.min(0), values.max(0)]
