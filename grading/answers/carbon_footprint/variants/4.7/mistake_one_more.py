# message: requests that match exactly: expected
import math


def training_split_t(run, machine, g_per_kwh):
    used_h = machine["lifetime_y"] * 8760 * machine["utilisation"]
    kg_per_h = (machine["gpu_kg"] + machine["server_kg"] / machine["gpus"]) / used_h
    return {
        "dynamic": run["dynamic_kwh"] * g_per_kwh / 1e6,
        "idle": run["idle_kwh"] * g_per_kwh / 1e6,
        "embodied": run["gpu_h"] * kg_per_h / 1000,
    }


def requests_to_match(training_g, request_g):
    return math.floor(training_g / request_g) + 1
