# message: alone
import numpy as np
from scipy import stats


def smooth(scores, window):
    return np.stack([scores[max(0, i - window + 1) : i + 1].mean(0) for i in range(len(scores))])


def error_rates(scores, is_keyword, threshold):
    accepted = scores >= threshold
    return np.mean(~accepted[is_keyword]), np.mean(accepted[~is_keyword])


def false_alarm_bound(count, hours, level=0.95):
    return stats.chi2.ppf(level, 2 * (count + 1)) / 2 / hours
