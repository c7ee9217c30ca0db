def sci_g(machine, use, *, g_per_kwh, functional_units):
    if use["used_h"] > use["reserved_h"]:
        raise ValueError("reserve first")
    idle_w = machine["idle_w"]
    watt_hours = use["reserved_h"] * idle_w + use["used_h"] * (machine["busy_w"] - idle_w)
    share = use["units"] / machine["units"]
    operational = watt_hours * share * g_per_kwh / 1000
    embodied = machine["embodied_kg"] * 1000 * share
    embodied *= use["reserved_h"] / (machine["lifetime_y"] * 365 * 24)
    return (operational + embodied) / functional_units
