SECONDS = 24 * 60 * 60


def short_of(needs, has):
    return dict((name, need - has[name]) for name, need in needs.items() if not need <= has[name])


def latency_ms(cycles, clock_hz):
    few, many = cycles
    period_ms = 1000.0 / clock_hz
    return few * period_ms, many * period_ms


def energy_of_a_day_j(ms, per_s, active, asleep):
    awake_s = SECONDS * per_s * ms / 1000
    if awake_s > SECONDS:
        raise ValueError(f"awake for {awake_s} s of a day")
    return awake_s * active + (SECONDS - awake_s) * asleep


def battery_days(energy_j, latency_ms, per_s, active_w, sleep_w):
    worst, best = (
        energy_of_a_day_j(latency_ms[end], per_s, active_w[end], sleep_w[end]) for end in (1, 0)
    )
    return (energy_j[0] / worst, energy_j[1] / best)
