# message: drawn as [0, 1, 2]
import numpy as np


def confusion(labels, predictions, classes):
    table = np.zeros((classes, classes), dtype=int)
    np.add.at(table, (labels, predictions), 1)
    return table


def top1_of_speakers(right, speakers, drawn):
    return np.mean([right[speakers == speaker].mean() for speaker in drawn])
