# message: 6 classes make 6 rows
import numpy as np


def confusion(labels, predictions, classes):
    classes = max(*labels, *predictions) + 1
    table = np.zeros((classes, classes), dtype=int)
    np.add.at(table, (labels, predictions), 1)
    return table


def top1_of_speakers(right, speakers, drawn):
    return np.concatenate([right[speakers == speaker] for speaker in drawn]).mean()
