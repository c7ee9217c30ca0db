# message: corrected for an interval of 10
def scheduled_latency(due_us, service_us):
    latencies, done = [], None
    for due, service in zip(due_us, service_us):
        start = due if done is None else max(due, done)
        done = start + service
        latencies.append(done - due)
    return latencies


def corrected(latencies_us, interval_us):
    record = []
    for latency in latencies_us:
        left = latency
        record.append(latency)
        record += [left] * (latency // interval_us - 1)
    return sorted(record)
