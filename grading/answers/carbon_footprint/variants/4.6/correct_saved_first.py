def break_even_y(embodied_kg, old_w, new_w, g_per_kwh, work=1.0):
    low_w, high_w = work * old_w[0] - new_w[1], work * old_w[1] - new_w[0]
    most = max(high_w, 0) * 8.736 * g_per_kwh[1] / 1000
    least = max(low_w, 0) * 8.736 * g_per_kwh[0] / 1000
    return [
        embodied_kg[0] / most if most else float("inf"),
        embodied_kg[1] / least if least else float("inf"),
    ]
