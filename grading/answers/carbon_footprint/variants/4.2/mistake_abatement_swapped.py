# message: an abatement of 95
def logic_g(area_mm2, process, *, fab_g_per_kwh, abatement, fab_yield, packages):
    gases = {99: process["gpa95_g_per_cm2"], 95: process["gpa99_g_per_cm2"]}
    gases[97] = (gases[95] + gases[99]) / 2
    per_cm2 = fab_g_per_kwh * process["epa_kwh_per_cm2"] + gases[abatement] + 500
    return area_mm2 / 100 * per_cm2 / fab_yield + packages * 150
