import heapq


def batched_latencies(arrivals_s, overhead_s, work_s, most):
    events = [(float(arrived), 0, row) for row, arrived in enumerate(arrivals_s)]
    heapq.heapify(events)
    waiting, latencies, busy = [], {}, []
    while events:
        now = events[0][0]
        while events and events[0][0] == now:
            _, kind, row = heapq.heappop(events)
            if kind == 0:
                waiting.append(row)
            else:
                latencies.update({r: now - arrivals_s[r] for r in busy})
                busy = []
        if waiting and not busy:
            busy, waiting = waiting[:most], waiting[most:]
            heapq.heappush(events, (now + overhead_s + len(busy) * work_s, 1, -1))
    return [latencies[row] for row in range(len(arrivals_s))]
