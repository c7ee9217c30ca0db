import numpy as np


def leaked_rows(train, test):
    known = {np.ascontiguousarray(row).tobytes() for row in train}
    return np.flatnonzero([np.ascontiguousarray(row).tobytes() in known for row in test])


def step_fault(gradients, updates, learning_rate):
    def off(story):
        return np.max(np.abs(updates - story)) / np.max(np.abs(updates))

    sums = np.array([gradients[: t + 1].sum(axis=0) for t in range(len(gradients))])
    ratio = np.median(updates / gradients)
    for name, story in (
        ("none", -learning_rate * gradients),
        ("accumulated", -learning_rate * sums),
        ("rate", ratio * gradients),
    ):
        if off(story) <= 0.01:
            return name
    return "other"


def depends_on_company(predict, inputs):
    alone = np.vstack([predict(row[None]) for row in inputs])
    return bool(np.any(np.abs(alone - np.array(predict(inputs))) > 1e-3))
