def logic_g(area_mm2, process, *, fab_g_per_kwh, abatement, fab_yield, packages):
    low, high = process["gpa99_g_per_cm2"], process["gpa95_g_per_cm2"]
    gases = low + (high - low) * (99 - abatement) / 4
    per_cm2 = fab_g_per_kwh * process["epa_kwh_per_cm2"] + gases + tables.MATERIALS_G_PER_CM2
    return area_mm2 / 100 * per_cm2 / fab_yield + packages * tables.PACKAGE_G
