# message: the low end: expected 4500
def operational_g(it_kwh, pue, sources):
    if pue < 1:
        raise ValueError("pue")
    found = [(it_kwh * pue * s["g_per_kwh"], f"{s['name']} {s['year']}") for s in sources]
    return min(found), max(found)
