import numpy as np


def batched_latencies(arrivals_s, overhead_s, work_s, most):
    answered = np.zeros(len(arrivals_s))
    i, free_s = 0, arrivals_s[0]
    while i < len(arrivals_s):
        start_s = max(free_s, arrivals_s[i])
        taken = [j for j in range(i, len(arrivals_s)) if arrivals_s[j] <= start_s][:most]
        free_s = start_s + overhead_s + work_s * len(taken)
        answered[taken] = free_s
        i += len(taken)
    return answered - arrivals_s
