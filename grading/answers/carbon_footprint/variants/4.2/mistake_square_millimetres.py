# message: a die of 90 mm2: expected 1800, you have 180000
def logic_g(area_mm2, process, *, fab_g_per_kwh, abatement, fab_yield, packages):
    gases = {95: process["gpa95_g_per_cm2"], 99: process["gpa99_g_per_cm2"]}
    gases[97] = (gases[95] + gases[99]) / 2
    per_cm2 = fab_g_per_kwh * process["epa_kwh_per_cm2"] + gases[abatement] + 500
    return area_mm2 * per_cm2 / fab_yield + packages * 150
