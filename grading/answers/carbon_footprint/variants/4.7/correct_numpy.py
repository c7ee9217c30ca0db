import numpy as np


def training_split_t(run, machine, g_per_kwh):
    energy = np.array([run["dynamic_kwh"], run["idle_kwh"]]) * g_per_kwh / 1e6
    hours = np.prod([machine["lifetime_y"], 8760, machine["utilisation"]])
    kilograms = np.dot([1, 1 / machine["gpus"]], [machine["gpu_kg"], machine["server_kg"]])
    values = [*energy, run["gpu_h"] / hours * kilograms / 1000]
    return dict(zip(("dynamic", "idle", "embodied"), map(float, values)))


def requests_to_match(training_g, request_g):
    return int(np.ceil(training_g / request_g))
