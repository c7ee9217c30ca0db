import numpy as np


def board_kg(die, memory, dies=1):
    each = die["area_cm2"] / dies
    per_cm2 = np.dot([0.486, 1.0, 0.5], [die["epa_kwh_per_cm2"], die["gpa_kg_per_cm2"], 1.0])
    made = dies * each * per_cm2 / np.exp(-0.1 * each)
    return [
        float(made),
        float(memory["gb"] * memory["kg_per_gb"] / np.power(0.95, memory["stacks"])),
    ]
