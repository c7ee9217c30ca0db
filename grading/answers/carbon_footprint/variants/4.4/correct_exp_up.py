import math


def board_kg(die, memory, dies=1):
    area, stacks = die["area_cm2"], memory["stacks"]
    wafer = area * (0.486 * die["epa_kwh_per_cm2"] + die["gpa_kg_per_cm2"] + 0.5)
    return wafer * math.exp(0.1 * area / dies), memory["gb"] * memory["kg_per_gb"] * 0.95**-stacks
