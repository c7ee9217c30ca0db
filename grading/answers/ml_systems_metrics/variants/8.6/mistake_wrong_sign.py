# message: the story of a run's steps
import numpy as np


def leaked_rows(train, test):
    return [i for i, row in enumerate(test) if (train == row).all(axis=1).any()]


def step_fault(gradients, updates, learning_rate):
    near = 0.01 * np.abs(updates).max()
    if np.abs(updates - learning_rate * gradients).max() <= near:
        return "none"
    if np.abs(updates + learning_rate * gradients.cumsum(axis=0)).max() <= near:
        return "accumulated"
    factor = (updates * gradients).sum() / (gradients**2).sum()
    if np.abs(updates - factor * gradients).max() <= near:
        return "rate"
    return "other"


def depends_on_company(predict, inputs):
    together = np.asarray(predict(inputs))
    for i in range(len(inputs)):
        alone = np.asarray(predict(inputs[i : i + 1]))
        if np.abs(alone[0] - together[i]).max() > 0.001:
            return True
    return False
