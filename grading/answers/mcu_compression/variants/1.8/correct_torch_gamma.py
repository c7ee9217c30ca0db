import numpy as np
import torch
from scipy.stats import gamma


def smooth(scores, window):
    x = torch.as_tensor(np.asarray(scores), dtype=torch.float32)
    window = min(window, len(x))
    padded = torch.nn.functional.pad(x.T[:, None], (window - 1, 0))
    sums = torch.nn.functional.conv1d(padded, torch.ones(1, 1, window))[:, 0].T
    counts = torch.arange(1, len(x) + 1).clamp(max=window)
    return sums / counts[:, None]


def error_rates(scores, is_keyword, threshold):
    s, k = torch.as_tensor(scores), torch.as_tensor(is_keyword)
    rejects = (s[k] < threshold).double()
    accepts = (s[~k] >= threshold).double()
    return tuple(float(x.mean()) if len(x) else 0.0 for x in (rejects, accepts))


def false_alarm_bound(count, hours, level=0.95):
    return gamma.ppf(level, count + 1, scale=1 / hours)
