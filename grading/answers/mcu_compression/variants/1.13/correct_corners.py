import itertools


def short_of(needs, has):
    gaps = {name: needs[name] - has[name] for name in needs}
    return {name: gap for name, gap in gaps.items() if gap > 0}


def latency_ms(cycles, clock_hz):
    return [count * 1e3 / clock_hz for count in sorted(cycles)]


def battery_days(energy_j, latency_ms, per_s, active_w, sleep_w):
    """Every combination of ends; one latency makes both shares."""
    if max(latency_ms) * per_s / 1000 > 1:
        raise ValueError("too often")
    found = []
    for joule, ms, active, asleep in itertools.product(energy_j, latency_ms, active_w, sleep_w):
        busy = ms / 1000 * per_s
        found.append(joule / (active * busy + asleep * (1 - busy)) / 86400)
    return min(found), max(found)
