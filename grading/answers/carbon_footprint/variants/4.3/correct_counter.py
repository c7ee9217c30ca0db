from collections import defaultdict


def bill_g(parts, memory_yield=True):
    bill = defaultdict(float)
    for part in parts:
        is_logic = "area_cm2" in part
        names = ("area_cm2", "g_per_cm2") if is_logic else ("capacity_gb", "g_per_gb")
        made = part["count"] * part[names[0]] * part[names[1]]
        bill[part["kind"]] += made / part["yield"] if is_logic or memory_yield else made
    bill["packages"] = 150.0 * sum(part["count"] * part["packages"] for part in parts)
    return dict(bill)
