def logic_g(area_mm2, process, *, fab_g_per_kwh, abatement, fab_yield, packages):
    weight = {95: 1, 97: 0.5, 99: 0}[abatement]
    gases = weight * process["gpa95_g_per_cm2"] + (1 - weight) * process["gpa99_g_per_cm2"]
    cm2 = area_mm2 / 100 / fab_yield
    return cm2 * (fab_g_per_kwh * process["epa_kwh_per_cm2"] + gases + 500) + packages * 150
