# message: kilograms of the dies: expected 27.1828, you have 10


def board_kg(die, memory, dies=1):
    per_cm2 = 0.486 * die["epa_kwh_per_cm2"] + die["gpa_kg_per_cm2"] + 0.5
    die_kg = die["area_cm2"] * per_cm2
    return die_kg, memory["gb"] * memory["kg_per_gb"] / 0.95 ** memory["stacks"]
