import numpy as np


def training_carbon_g(
    *, device_s, device_w, pue, sent_bytes, network_kwh_per_gb, g_per_kwh, embodied_kg, lifetime_y
):
    kwh = np.prod([device_s, device_w, pue], axis=0) / 3.6e6
    kwh += np.multiply(sent_bytes, network_kwh_per_gb) / 1e9
    made = np.multiply(embodied_kg, device_s) * 1e3 / (np.array(lifetime_y)[::-1] * 8760 * 3600)
    return kwh * g_per_kwh + made


def break_even_rounds(round_g, central_g):
    return np.array(central_g) / np.array(round_g)[::-1]
