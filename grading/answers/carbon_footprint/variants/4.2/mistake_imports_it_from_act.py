# message: withheld
from labs.seminar.carbon_footprint import act


def logic_g(area_mm2, process, *, fab_g_per_kwh, abatement, fab_yield, packages):
    return act.logic_carbon_g(
        area_mm2,
        process,
        packages=packages,
        fab_g_per_kwh=fab_g_per_kwh,
        abatement=abatement,
        fab_yield=fab_yield,
    )
