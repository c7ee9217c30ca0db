# message: kilograms of the dies: expected 16.4872, you have 8.24361
import math


def board_kg(die, memory, dies=1):
    per_cm2 = 0.486 * die["epa_kwh_per_cm2"] + die["gpa_kg_per_cm2"] + 0.5
    die_yield = math.exp(-0.1 * die["area_cm2"] / dies)
    die_kg = die["area_cm2"] / dies * per_cm2 / die_yield
    return die_kg, memory["gb"] * memory["kg_per_gb"] / 0.95 ** memory["stacks"]
