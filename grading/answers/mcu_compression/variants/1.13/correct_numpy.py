import numpy as np


def short_of(needs, has):
    missing = {}
    for memory in needs:
        if needs[memory] > has[memory]:
            missing[memory] = needs[memory] - has[memory]
    return missing


def latency_ms(cycles, clock_hz):
    return np.array(cycles) / (clock_hz / 1e3)


def battery_days(energy_j, latency_ms, per_s, active_w, sleep_w):
    busy = np.array(latency_ms) * per_s / 1e3
    if busy.max() > 1:
        raise ValueError(f"busy {busy.max():.3f} of the time")
    power_w = np.array(sleep_w) + (np.array(active_w) - np.array(sleep_w)) * busy
    return np.array(energy_j) / power_w[::-1] / (24 * 3600)
