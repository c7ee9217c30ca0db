# message: drawn as [0, 0, 2]
import numpy as np


def confusion(labels, predictions, classes):
    table = np.zeros((classes, classes), dtype=int)
    np.add.at(table, (labels, predictions), 1)
    return table


def top1_of_speakers(right, speakers, drawn):
    return right.mean()
