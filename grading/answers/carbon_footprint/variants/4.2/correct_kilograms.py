def logic_g(area_mm2, process, *, fab_g_per_kwh, abatement, fab_yield, packages):
    import numpy as np

    gases = np.interp(abatement, [95, 99], [process["gpa95_g_per_cm2"], process["gpa99_g_per_cm2"]])
    per_cm2_kg = (fab_g_per_kwh * process["epa_kwh_per_cm2"] + gases) / 1000 + 0.5
    return float(1000 * (per_cm2_kg * area_mm2 * 0.01 / fab_yield + 0.15 * packages))
