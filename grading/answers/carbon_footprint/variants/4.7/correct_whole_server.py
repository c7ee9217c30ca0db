def training_split_t(run, machine, g_per_kwh):
    whole_kg = machine["server_kg"] + machine["gpus"] * machine["gpu_kg"]
    server_h = run["gpu_h"] / machine["gpus"]
    share = server_h / (8760 * machine["lifetime_y"] * machine["utilisation"])
    tonnes = g_per_kwh / 1000 / 1000
    return dict(
        dynamic=tonnes * run["dynamic_kwh"],
        idle=tonnes * run["idle_kwh"],
        embodied=whole_kg * share / 1000,
    )


def requests_to_match(training_g, request_g):
    whole, rest = divmod(training_g, request_g)
    return int(whole) + (rest > 0)
