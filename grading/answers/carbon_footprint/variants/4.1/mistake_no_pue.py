# message: the low end: expected
def operational_g(it_kwh, pue, sources):
    if pue < 1:
        raise ValueError("pue")
    found = [
        (it_kwh * s["g_per_kwh"], f"{s['name']} {s['year']}")
        for s in sources
        if s["basis"] == "location"
    ]
    return min(found), max(found)
