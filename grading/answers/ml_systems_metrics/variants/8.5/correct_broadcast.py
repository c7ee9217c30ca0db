import numpy as np


def sort_out(low, high, better):
    sign = np.array([1 if way == "higher" else -1 for way in better])
    a, b = np.asarray(low) * sign, np.asarray(high) * sign
    worst, top = np.minimum(a, b), np.maximum(a, b)

    def table(x, y):
        x, y = x[:, None, :], y[None, :, :]
        found = np.all(x >= y, axis=-1) & np.any(x > y, axis=-1)
        return found & ~np.eye(len(found), dtype=bool)

    out = np.full(len(worst), "surely", dtype="<U9")
    out[table(top, worst).any(axis=0)] = "possibly"
    out[table(worst, top).any(axis=0)] = "dominated"
    return out.tolist()
