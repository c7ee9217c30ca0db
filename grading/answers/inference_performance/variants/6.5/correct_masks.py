import numpy as np


def batched_latencies(arrivals_s, overhead_s, work_s, most):
    arrivals_s = np.asarray(arrivals_s)
    done = np.full(len(arrivals_s), np.nan)
    free_s = -np.inf
    while np.isnan(done).any():
        left = np.flatnonzero(np.isnan(done))
        start_s = max(free_s, arrivals_s[left].min())
        batch = left[arrivals_s[left] <= start_s][:most]
        free_s = start_s + overhead_s + batch.size * work_s
        done[batch] = free_s
    return tuple((done - arrivals_s).tolist())
