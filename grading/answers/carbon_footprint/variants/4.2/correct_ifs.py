def logic_g(area_mm2, process, *, fab_g_per_kwh, abatement, fab_yield, packages):
    if abatement == 97:
        gases = 0.5 * (process["gpa95_g_per_cm2"] + process["gpa99_g_per_cm2"])
    else:
        gases = process[f"gpa{abatement}_g_per_cm2"]
    total = 0.0
    for part in (fab_g_per_kwh * process["epa_kwh_per_cm2"], gases, 500):
        total += part * area_mm2 / (100 * fab_yield)
    return total + 150 * packages
