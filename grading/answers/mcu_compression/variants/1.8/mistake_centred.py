# message: looks ahead
import numpy as np
from scipy import stats


def smooth(scores, window):
    half = window // 2
    return np.stack([scores[max(0, i - half) : i + half + 1].mean(0) for i in range(len(scores))])


def error_rates(scores, is_keyword, threshold):
    accepted = scores >= threshold
    rejects = (is_keyword & ~accepted).sum() / max(1, is_keyword.sum())
    accepts = (~is_keyword & accepted).sum() / max(1, (~is_keyword).sum())
    return rejects, accepts


def false_alarm_bound(count, hours, level=0.95):
    return stats.chi2.ppf(level, 2 * (count + 1)) / 2 / hours
