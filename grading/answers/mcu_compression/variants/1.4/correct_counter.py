from collections import Counter

import numpy as np


def confusion(labels, predictions, classes):
    counts = Counter(zip(labels.tolist(), predictions.tolist()))
    return np.array([[counts[i, j] for j in range(classes)] for i in range(classes)])


def top1_of_speakers(right, speakers, drawn):
    times = Counter(drawn.tolist())
    return np.average(right, weights=[times[s] for s in speakers.tolist()])
