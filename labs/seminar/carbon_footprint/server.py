"""The bill of materials of a Dell PowerEdge R740, and two published answers to what it costs.

The bill is the one of ACT 2.0 (``act/boms/dellr740.yaml`` in facebookresearch/ACT at abc9fbb),
which stands for Dell's life-cycle assessment of 2019. Nothing is computed here but grams a square
centimetre of the processors.
"""

from collections.abc import Mapping
from typing import Any

from labs.seminar.carbon_footprint import tables

Part = dict[str, Any]

# What running ACT 2.0 on this bill gives [g].
ACT_TOTAL_G = 1_523_137.7
# Dell's own assessment, by part, as quoted in ACT's ``exps/dellr740/dellr740.py`` [kg].
DELL_KG: Mapping[str, float] = {"main SSD": 3373, "second SSD": 64.1, "DRAM": 533, "CPU": 47}

# 28 nm, gases 95 % abated, a fab that burns coal: ACT's stand-in for the real process.
_CPU = tables.PROCESSES[28]
CPU_G_PER_CM2 = (
    tables.FUEL_G_PER_KWH["coal"] * _CPU["epa_kwh_per_cm2"]
    + _CPU["gpa95_g_per_cm2"]
    + tables.MATERIALS_G_PER_CM2
)


def parts(*, flash: str = "nand_30", dram: str = "ddr3_50") -> list[Part]:
    """Return the parts of the server, as exercise 4.3 gets them.

    Parameters
    ----------
    flash, dram
        Processes of `tables.SSD_G_PER_GB` and `tables.DRAM_G_PER_GB`; ACT's bill takes old ones.

    Examples
    --------
    >>> [(part["name"], part["count"]) for part in parts()]
    [('main SSD', 8), ('second SSD', 1), ('cache of the second SSD', 1), ('DRAM', 12), ('CPU', 2)]
    """
    ssd = {"g_per_gb": tables.SSD_G_PER_GB[flash], "packages": 13, "kind": "flash"}
    memory = {"g_per_gb": tables.DRAM_G_PER_GB[dram], "packages": 19, "kind": "DRAM"}
    cpu = {"area_cm2": 6.98, "g_per_cm2": CPU_G_PER_CM2, "packages": 2, "kind": "logic"}
    listed: list[Part] = [
        {"name": "main SSD", "count": 8, "capacity_gb": 3840.0, **ssd},
        {"name": "second SSD", "count": 1, "capacity_gb": 400.0, **ssd},
        {"name": "cache of the second SSD", "count": 1, "capacity_gb": 68.0, **memory},
        {"name": "DRAM", "count": 12, "capacity_gb": 36.0, **memory},
        {"name": "CPU", "count": 2, **cpu},
    ]
    return [{**part, "yield": tables.FAB_YIELD} for part in listed]
