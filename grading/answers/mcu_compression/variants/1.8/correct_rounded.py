# Exercise 1.8
def smooth(scores, window):
    kernel = np.ones(window)
    sums = np.stack([np.convolve(column, kernel)[: len(scores)] for column in scores.T], axis=1)
    return sums / np.minimum(np.arange(len(scores)) + 1, window)[:, None]


def error_rates(scores, is_keyword, threshold):
    accepted = scores >= threshold
    missed = (~accepted & is_keyword).sum() / max(is_keyword.sum(), 1)
    return missed, (accepted & ~is_keyword).sum() / max((~is_keyword).sum(), 1)


def false_alarm_bound(count, hours, level=0.95):
    from scipy.stats import chi2

    return float(f"{chi2.ppf(level, 2 * (count + 1)) / 2 / hours:.4g}")
