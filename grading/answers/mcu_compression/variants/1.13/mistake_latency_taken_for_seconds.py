# message: battery_days raised ValueError
def short_of(needs, has):
    return {name: size - has[name] for name, size in needs.items() if size > has[name]}


def latency_ms(cycles, clock_hz):
    return cycles[0] / clock_hz * 1000, cycles[1] / clock_hz * 1000


def battery_days(energy_j, latency_ms, per_s, active_w, sleep_w):
    busy = [per_s * latency for latency in latency_ms]
    if busy[1] > 1:
        raise ValueError("cannot keep up")
    least, most = (a * b + s * (1 - b) for a, b, s in zip(active_w, busy, sleep_w))
    return energy_j[0] / most / 86_400, energy_j[1] / least / 86_400
