# message: should raise ValueError, and raised nothing
def operational_g(it_kwh, pue, sources):
    if pue < 1:
        raise ValueError("pue")
    found = [
        (it_kwh * pue * s["g_per_kwh"], f"{s['name']} {s['year']}")
        for s in sources
        if s["basis"] == "location"
    ]
    if not found:
        return None
    return min(found), max(found)
