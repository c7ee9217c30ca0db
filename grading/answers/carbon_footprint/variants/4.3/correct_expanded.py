def bill_g(parts, memory_yield=True):
    bill = {"packages": 0}
    for part in parts:
        for _ in range(part["count"]):
            bill["packages"] += 150 * part["packages"]
            divisor = part["yield"] if memory_yield or "area_cm2" in part else 1
            grams = part.get("area_cm2", part.get("capacity_gb"))
            grams *= part.get("g_per_cm2", part.get("g_per_gb"))
            bill[part["kind"]] = bill.get(part["kind"], 0) + grams / divisor
    return bill
