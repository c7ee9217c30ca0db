# message: latencies of
import numpy as np


def scheduled_latency(due_us, service_us):
    late = np.maximum(due_us[:-1] + service_us[:-1] - due_us[1:], 0)
    return service_us + np.concatenate([[0], late])


def corrected(latencies_us, interval_us):
    record = []
    for latency in latencies_us:
        left = latency
        record.append(latency)
        while left - interval_us >= interval_us:
            left -= interval_us
            record.append(left)
    return sorted(record)
