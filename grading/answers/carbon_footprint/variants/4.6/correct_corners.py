import itertools
import math


def break_even_y(embodied_kg, old_w, new_w, g_per_kwh, work=1.0):
    found = []
    for kg, old, new, grid in itertools.product(embodied_kg, old_w, new_w, g_per_kwh):
        saved_kg = (work * old - new) / 1000 * 8736 * grid / 1000
        found.append(kg / saved_kg if saved_kg > 0 else math.inf)
    return min(found), max(found)
