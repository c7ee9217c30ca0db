import numpy as np


def scheduled_latency(due_us, service_us):
    done = np.cumsum(service_us)
    idle = np.maximum.accumulate(due_us - np.concatenate([[0], done[:-1]]))
    return idle + done - due_us


def corrected(latencies_us, interval_us):
    parts = [np.arange(x, 0, -interval_us) for x in latencies_us]
    parts = [np.concatenate([p[:1], p[1:][p[1:] >= interval_us]]) for p in parts]
    return np.sort(np.concatenate(parts))
