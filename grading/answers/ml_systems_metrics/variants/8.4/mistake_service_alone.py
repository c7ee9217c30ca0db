# message: latencies of six requests
def scheduled_latency(due_us, service_us):
    latencies, done = [], None
    for due, service in zip(due_us, service_us):
        start = due if done is None else max(due, done)
        done = start + service
        latencies.append(done - start)
    return latencies


def corrected(latencies_us, interval_us):
    record = []
    for latency in latencies_us:
        left = latency
        record.append(latency)
        while left - interval_us >= interval_us:
            left -= interval_us
            record.append(left)
    return sorted(record)
