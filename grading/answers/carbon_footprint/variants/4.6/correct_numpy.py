import numpy as np


def break_even_y(embodied_kg, old_w, new_w, g_per_kwh, work=1.0):
    saved_w = np.array([work * old_w[1] - new_w[0], work * old_w[0] - new_w[1]], dtype=float)
    a_year = saved_w * 24 * 7 * 52 * np.array(g_per_kwh, dtype=float)[::-1] * 1e-6
    years = np.full(2, np.inf)
    np.divide(np.array(embodied_kg, dtype=float), a_year, out=years, where=a_year > 0)
    return years.tolist()
