# message: rounds to 0.5 of the accuracies
import numpy as np


def rounds_to(accuracies, target):
    best_so_far = np.maximum.accumulate(accuracies)
    reached = np.flatnonzero(best_so_far > target)
    if len(reached) == 0:
        return None
    if (last := int(reached[0])) == 0:
        return 0.0
    low, high = best_so_far[last - 1], best_so_far[last]
    return float(last - 1 + (target - low) / (high - low))


def bytes_to(accuracies, target, *, bytes_up, bytes_down):
    for rounds, accuracy in enumerate(accuracies):
        if accuracy > target:
            return sum(bytes_up[:rounds]) + sum(bytes_down[:rounds])
    return None
