# message: smoothed over 3
import numpy as np
from scipy import stats


def smooth(scores, window):
    means = [scores[max(0, i - window + 1) : i + 1].mean() for i in range(len(scores))]
    return np.repeat(np.array(means)[:, None], scores.shape[1], axis=1)


def error_rates(scores, is_keyword, threshold):
    accepted = scores >= threshold
    rejects = (is_keyword & ~accepted).sum() / max(1, is_keyword.sum())
    accepts = (~is_keyword & accepted).sum() / max(1, (~is_keyword).sum())
    return rejects, accepts


def false_alarm_bound(count, hours, level=0.95):
    return stats.chi2.ppf(level, 2 * (count + 1)) / 2 / hours
