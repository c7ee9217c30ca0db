# message: a gentle slope: capacity
import numpy as np


def find_levels(sizes_bytes, latency_ns, rise):
    clean = np.minimum.accumulate(latency_ns[::-1])[::-1]
    levels, first = [], 0
    for end in range(1, len(clean) + 1):
        if end == len(clean) or clean[end] > rise * clean[first]:
            if end - first >= 3:
                levels.append((int(sizes_bytes[end - 1]), float(np.median(clean[first:end]))))
            first = end
    return levels
