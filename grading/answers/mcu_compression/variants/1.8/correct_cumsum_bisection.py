import math

import numpy as np


def smooth(scores, window):
    total = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores, axis=0)])
    end = np.arange(1, len(scores) + 1)
    start = np.maximum(0, end - window)
    return (total[end] - total[start]) / (end - start)[:, None]


def error_rates(scores, is_keyword, threshold):
    keywords, others = scores[is_keyword], scores[~is_keyword]
    far = (others >= threshold).mean() if len(others) else 0.0
    frr = 1 - (keywords >= threshold).mean() if len(keywords) else 0.0
    return frr, far


def false_alarm_bound(count, hours, level=0.95):
    def so_few(mean):
        term = total = math.exp(-mean)
        for k in range(1, count + 1):
            term *= mean / k
            total += term
        return total

    low, high = 0.0, 10.0 + 4 * count
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        if so_few(middle) > 1 - level:
            low = middle
        else:
            high = middle
    return high / hours
