def sci_g(machine, use, *, g_per_kwh, functional_units):
    wait = use["reserved_h"] - use["used_h"]
    if wait < 0:
        raise ValueError(wait)
    hourly_making = machine["embodied_kg"] / (machine["lifetime_y"] * 8.760)
    busy = use["used_h"] * (machine["busy_w"] / 1000 * g_per_kwh + hourly_making)
    idle = wait * (machine["idle_w"] / 1000 * g_per_kwh + hourly_making)
    return use["units"] * (busy + idle) / (machine["units"] * functional_units)
