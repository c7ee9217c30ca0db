def training_carbon_g(
    *, device_s, device_w, pue, sent_bytes, network_kwh_per_gb, g_per_kwh, embodied_kg, lifetime_y
):
    low = emitted(device_s[0], device_w[0] * pue[0], sent_bytes[0] * network_kwh_per_gb[0])
    high = emitted(device_s[1], device_w[1] * pue[1], sent_bytes[1] * network_kwh_per_gb[1])
    hours = [seconds / 3600 for seconds in device_s]
    least = low * g_per_kwh[0] + embodied_kg[0] * 1e3 * hours[0] / (lifetime_y[1] * 8760)
    most = high * g_per_kwh[1] + embodied_kg[1] * 1e3 * hours[1] / (lifetime_y[0] * 8760)
    return [least, most]


def emitted(seconds, watts, byte_kwh_per_gb):
    return seconds * watts / 3600 / 1000 + byte_kwh_per_gb / 10**9


def break_even_rounds(round_g, central_g):
    (cheap, dear), (small, large) = round_g, central_g
    return [small / dear, large / cheap]
