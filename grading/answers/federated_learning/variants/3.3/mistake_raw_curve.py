# message: of the accuracies 0.125, 0.375, 0.75
import numpy as np


def rounds_to(accuracies, target):
    reached = np.flatnonzero(np.array(accuracies) >= target)
    if len(reached) == 0:
        return None
    if (last := int(reached[0])) == 0:
        return 0.0
    low, high = accuracies[last - 1], accuracies[last]
    return float(last - 1 + (target - low) / (high - low))


def bytes_to(accuracies, target, *, bytes_up, bytes_down):
    for rounds, accuracy in enumerate(accuracies):
        if accuracy >= target:
            return sum(bytes_up[:rounds]) + sum(bytes_down[:rounds])
    return None
