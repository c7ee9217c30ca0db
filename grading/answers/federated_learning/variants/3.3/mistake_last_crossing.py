# message: of the accuracies
import numpy as np


def rounds_to(accuracies, target):
    below = np.flatnonzero(np.array(accuracies) < target)
    if max(accuracies) < target:
        return None
    if len(below) == 0 or below[-1] == len(accuracies) - 1:
        return 0.0
    last = int(below[-1]) + 1
    low, high = accuracies[last - 1], accuracies[last]
    return float(last - 1 + (target - low) / (high - low))


def bytes_to(accuracies, target, *, bytes_up, bytes_down):
    for rounds, accuracy in enumerate(accuracies):
        if accuracy >= target:
            return sum(bytes_up[:rounds]) + sum(bytes_down[:rounds])
    return None
