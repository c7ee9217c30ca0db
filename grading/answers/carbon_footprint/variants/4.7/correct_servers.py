import math


def training_split_t(run, machine, g_per_kwh):
    life = machine["utilisation"] * machine["lifetime_y"] * 365 * 24
    servers = run["gpu_h"] / machine["gpus"] * machine["server_kg"] / life
    gpus = run["gpu_h"] * machine["gpu_kg"] / life
    split = {name: run[f"{name}_kwh"] * g_per_kwh * 1e-6 for name in ("dynamic", "idle")}
    return {**split, "embodied": (servers + gpus) * 1e-3}


def requests_to_match(training_g, request_g):
    return -int(-training_g // request_g)
