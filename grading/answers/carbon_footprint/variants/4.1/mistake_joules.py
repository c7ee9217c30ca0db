# message: the low end: expected 4500
def operational_g(it_kwh, pue, sources):
    if pue < 1:
        raise ValueError("pue")
    found = [
        (it_kwh / 3.6e6 * pue * s["g_per_kwh"], f"{s['name']} {s['year']}")
        for s in sources
        if s["basis"] == "location"
    ]
    return min(found), max(found)
