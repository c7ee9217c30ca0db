import math


def board_kg(die, memory, dies=1):
    total = 0.0
    one = die["area_cm2"] / dies
    for _ in range(dies):
        total += one * (die["epa_kwh_per_cm2"] * 0.486 + 0.5 + die["gpa_kg_per_cm2"])
    total /= math.e ** (-0.1 * one)
    stacked = memory["gb"] * memory["kg_per_gb"]
    for _ in range(memory["stacks"]):
        stacked /= 0.95
    return total, stacked
