# message: counts are whole numbers
import numpy as np


def confusion(labels, predictions, classes):
    table = np.zeros((classes, classes))
    np.add.at(table, (labels, predictions), 1)
    return table


def top1_of_speakers(right, speakers, drawn):
    return np.concatenate([right[speakers == speaker] for speaker in drawn]).mean()
