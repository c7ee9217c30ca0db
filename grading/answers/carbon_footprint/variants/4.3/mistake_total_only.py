# message: return a dictionary, grams by kind
def bill_g(parts, memory_yield=True):
    grams = {"packages": 0.0}
    for part in parts:
        if "area_cm2" in part:
            one = part["area_cm2"] * part["g_per_cm2"] / part["yield"]
        else:
            one = part["capacity_gb"] * part["g_per_gb"]
            if memory_yield:
                one /= part["yield"]
        grams[part["kind"]] = grams.get(part["kind"], 0) + part["count"] * one
        grams["packages"] += part["count"] * part["packages"] * 150
    return sum(grams.values())
