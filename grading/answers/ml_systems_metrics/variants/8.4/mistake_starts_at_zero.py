# message: latencies of
def scheduled_latency(due_us, service_us):
    latencies, done = [], due_us[0] * 0
    for due, service in zip(due_us, service_us):
        start = done if done else 0
        done = start + service
        latencies.append(done - due)
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
