# message: a die of 90 mm2
def logic_g(area_mm2, process, *, fab_g_per_kwh, abatement, fab_yield, packages):
    gases = {95: process["gpa95_g_per_cm2"], 99: process["gpa99_g_per_cm2"]}
    gases[97] = 0.6 * gases[95] + 0.4 * gases[99]
    per_cm2 = fab_g_per_kwh * process["epa_kwh_per_cm2"] + gases[abatement] + 500
    return area_mm2 / 100 * per_cm2 / fab_yield + packages * 150
