# message: three rows
import numpy as np


def batched_latencies(arrivals_s, overhead_s, work_s, most):
    latencies, free_s = [], -np.inf
    while len(latencies) < len(arrivals_s):
        first = len(latencies)
        start_s = max(free_s, arrivals_s[first])
        here = int(np.searchsorted(arrivals_s, start_s, side="right"))
        last = min(here, first + most)
        free_s = start_s + overhead_s + (last - first) * work_s
        latencies += [float(free_s) for arrived in arrivals_s[first:last]]
    return latencies
