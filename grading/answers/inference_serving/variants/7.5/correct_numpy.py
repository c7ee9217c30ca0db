import numpy as np


def request_times(arrival_ms, token_ms):
    return token_ms[0] - arrival_ms, np.diff(token_ms)


def percentiles(samples, percents):
    ordered = np.sort(samples)
    shares = 100 * np.arange(1, len(ordered) + 1)
    return {
        p: float(ordered[np.argmax(shares >= p * len(ordered))])
        for p in percents
        if len(ordered) * np.log(p / 100) <= np.log(0.05)
    }
