def sci_g(machine, use, *, g_per_kwh, functional_units):
    used_s, reserved_s = use["used_h"] * 3600, use["reserved_h"] * 3600
    if used_s > reserved_s:
        raise ValueError("used more than reserved")
    joules = used_s * machine["busy_w"] + (reserved_s - used_s) * machine["idle_w"]
    making = machine["embodied_kg"] * 1e3 * reserved_s / (machine["lifetime_y"] * 31_536_000)
    return (
        (joules / 3.6e6 * g_per_kwh + making) * use["units"] / machine["units"] / functional_units
    )
