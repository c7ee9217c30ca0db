# message: a row and a burst of 7
import numpy as np


def batched_latencies(arrivals_s, overhead_s, work_s, most):
    latencies, waiting, i, free_s = {}, [], 0, -np.inf
    while len(latencies) < len(arrivals_s):
        start_s = free_s if waiting else max(free_s, arrivals_s[i])
        while i < len(arrivals_s) and arrivals_s[i] <= start_s:
            waiting.append(i)
            i += 1
        batch = [waiting.pop() for _ in range(min(most, len(waiting)))]
        free_s = start_s + overhead_s + len(batch) * work_s
        latencies.update({row: float(free_s - arrivals_s[row]) for row in batch})
    return [latencies[row] for row in range(len(arrivals_s))]
