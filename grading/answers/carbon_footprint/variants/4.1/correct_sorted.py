def operational_g(it_kwh, pue, sources):
    counting = sorted(
        (s for s in sources if s["basis"] == "location"), key=lambda s: s["g_per_kwh"]
    )
    if pue < 1 or not counting:
        raise ValueError("no honest answer")
    return tuple(
        (it_kwh * s["g_per_kwh"] * pue, "{name} {year}".format(**s))
        for s in (counting[0], counting[-1])
    )
