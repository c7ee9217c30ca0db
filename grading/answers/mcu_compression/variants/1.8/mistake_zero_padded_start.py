# message: a constant smoothed
import numpy as np
from scipy import stats


def smooth(scores, window):
    padded = np.concatenate([np.zeros((window - 1, scores.shape[1])), scores])
    return np.stack([padded[i : i + window].mean(0) for i in range(len(scores))])


def error_rates(scores, is_keyword, threshold):
    accepted = scores >= threshold
    rejects = (is_keyword & ~accepted).sum() / max(1, is_keyword.sum())
    accepts = (~is_keyword & accepted).sum() / max(1, (~is_keyword).sum())
    return rejects, accepts


def false_alarm_bound(count, hours, level=0.95):
    return stats.chi2.ppf(level, 2 * (count + 1)) / 2 / hours
