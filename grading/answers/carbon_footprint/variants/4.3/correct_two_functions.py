def _one(part, memory_yield):
    if part["kind"] == "logic":
        return part["area_cm2"] * part["g_per_cm2"] / part["yield"]
    size = part["capacity_gb"] * part["g_per_gb"]
    return size / part["yield"] if memory_yield else size


def bill_g(parts, memory_yield=True):
    kinds = {part["kind"] for part in parts}
    bill = {
        kind: sum(_one(p, memory_yield) * p["count"] for p in parts if p["kind"] == kind)
        for kind in kinds
    }
    return bill | {"packages": sum(p["packages"] * p["count"] for p in parts) * 150}
