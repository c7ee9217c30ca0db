# message: bars that overlap
import numpy as np


def sort_out(low, high, better):
    sign = np.array([1 if way == "higher" else -1 for way in better])
    value = (np.asarray(low) + np.asarray(high)) / 2 * sign
    return [
        "dominated" if any((o >= v).all() and (o > v).any() for o in value) else "surely"
        for v in value
    ]
