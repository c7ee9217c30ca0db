import itertools


def training_carbon_g(
    *, device_s, device_w, pue, sent_bytes, network_kwh_per_gb, g_per_kwh, embodied_kg, lifetime_y
):
    least, most = float("inf"), 0.0
    pairs = device_s, device_w, pue, sent_bytes, network_kwh_per_gb
    for time, power, building, sent, each in itertools.product(*pairs):
        kwh = time * power * building / 3.6e6 + sent * each / 1e9
        for grid, made, life in itertools.product(g_per_kwh, embodied_kg, lifetime_y):
            g = kwh * grid + 1000 * made * time / (life * 31_536_000)
            least, most = min(least, g), max(most, g)
    return least, most


def break_even_rounds(round_g, central_g):
    found = [c / r for c in central_g for r in round_g]
    return min(found), max(found)
