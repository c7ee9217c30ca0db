# message: all inputs known: the earliest year: expected 0.5, you have 0.49863
import math


def break_even_y(embodied_kg, old_w, new_w, g_per_kwh, work=1.0):
    def years(kg, saved_w, grid):
        return kg * 1e6 / (saved_w * 8760 * grid) if saved_w > 0 else math.inf

    earliest = years(embodied_kg[0], work * old_w[1] - new_w[0], g_per_kwh[1])
    latest = years(embodied_kg[1], work * old_w[0] - new_w[1], g_per_kwh[0])
    return earliest, latest
