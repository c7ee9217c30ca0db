from collections import deque


def batched_latencies(arrivals_s, overhead_s, work_s, most):
    coming, latencies, free_s = deque(arrivals_s), [], None
    while coming:
        start_s = coming[0] if free_s is None or free_s < coming[0] else free_s
        batch = []
        while coming and coming[0] <= start_s and len(batch) < most:
            batch.append(coming.popleft())
        free_s = start_s + overhead_s + len(batch) * work_s
        latencies.extend(free_s - arrived for arrived in batch)
    return latencies
