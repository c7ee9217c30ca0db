# message: withheld
import numpy as np
from scipy import special


def smooth(scores, window):
    return np.stack([scores[max(0, i - window + 1) : i + 1].mean(0) for i in range(len(scores))])


def error_rates(scores, is_keyword, threshold):
    accepted = scores >= threshold
    rejects = (is_keyword & ~accepted).sum() / max(1, is_keyword.sum())
    accepts = (~is_keyword & accepted).sum() / max(1, (~is_keyword).sum())
    return rejects, accepts


def false_alarm_bound(count, hours, level=0.95):
    return special.pdtri(count, 1 - level) / hours
