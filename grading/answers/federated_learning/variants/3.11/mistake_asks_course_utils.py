# message: withheld
from course_utils import carbon


def training_carbon_g(
    *, device_s, device_w, pue, sent_bytes, network_kwh_per_gb, g_per_kwh, embodied_kg, lifetime_y
):
    found = []
    for end in (0, 1):
        grid, life = g_per_kwh[end], lifetime_y[1 - end]
        joules = device_s[end] * device_w[end]
        made_g = carbon.embodied_share_g(embodied_kg[end], used_s=device_s[end], lifetime_y=life)
        devices_g = carbon.operational_carbon_g(joules, grid, pue=pue[end])
        network_g = sent_bytes[end] / 1e9 * network_kwh_per_gb[end] * grid
        found.append(devices_g + network_g + made_g)
    return tuple(found)


def break_even_rounds(round_g, central_g):
    return central_g[0] / round_g[1], central_g[1] / round_g[0]
