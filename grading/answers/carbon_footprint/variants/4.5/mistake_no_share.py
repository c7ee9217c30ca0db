# message: of 8 units: expected
def sci_g(machine, use, *, g_per_kwh, functional_units):
    waiting_h = use["reserved_h"] - use["used_h"]
    if waiting_h < 0:
        raise ValueError("reserve more")
    energy_kwh = (use["used_h"] * machine["busy_w"] + waiting_h * machine["idle_w"]) / 1000
    life_h = machine["lifetime_y"] * 8760
    made_g = machine["embodied_kg"] * 1000 * use["reserved_h"] / life_h
    return (energy_kwh * g_per_kwh + made_g) / functional_units
