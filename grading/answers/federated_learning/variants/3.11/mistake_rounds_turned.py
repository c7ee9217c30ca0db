# message: rounds: the low end should be 2
def training_carbon_g(
    *, device_s, device_w, pue, sent_bytes, network_kwh_per_gb, g_per_kwh, embodied_kg, lifetime_y
):
    found = []
    for end in (0, 1):
        devices_kwh = device_s[end] * device_w[end] * pue[end] / 3.6e6
        network_kwh = sent_bytes[end] / 1e9 * network_kwh_per_gb[end]
        life_s = lifetime_y[1 - end] * 365 * 86400
        made_g = embodied_kg[end] * 1000 * device_s[end] / life_s
        found.append((devices_kwh + network_kwh) * g_per_kwh[end] + made_g)
    return tuple(found)


def break_even_rounds(round_g, central_g):
    return round_g[0] / central_g[1], round_g[1] / central_g[0]
