import numpy as np


def rounds_to(accuracies, target):
    if max(accuracies) < target:
        return None
    last = int(np.argmax(np.array(accuracies) >= target))
    if last == 0:
        return 0
    ends = [max(accuracies[:last]), accuracies[last]]
    return np.interp(target, ends, [last - 1, last])


def bytes_to(accuracies, target, *, bytes_up, bytes_down):
    for rounds, accuracy in enumerate(accuracies):
        if accuracy >= target:
            return sum(bytes_up[:rounds]) + sum(bytes_down[:rounds])
    return None
