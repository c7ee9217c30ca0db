"""Accelerators and the constants of the replacement model of the Hasso Plattner Institute.

Source: hpides/gpu-lifecycle-analysis at dac0a62, the code of "Green or Greedy? An Ecological
Analysis of Datacenter GPU Replacements" (2025); formulas and numbers are cited, no code is taken.
The versions of its table that were at hand do not hold every board as it was computed. What had to
be solved for from a published result is named in `SOLVED`, and is no independent check of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FAB_KG_PER_KWH = 0.486  # Taiwan
MATERIALS_KG_PER_CM2 = 0.5
DEFECTS_PER_CM2 = 0.1
STACK_YIELD = 0.95
H_PER_Y = 24 * 7 * 52  # 8736: the year of that model has 52 weeks, one day less than 365

# Node in nm -> energy of the fab [kWh/cm2] and gases, 97 % abated [kg/cm2].
PROCESSES: Mapping[int, Mapping[str, float]] = {
    4: {"epa_kwh_per_cm2": 2.75, "gpa_kg_per_cm2": 0.327},
    5: {"epa_kwh_per_cm2": 2.75, "gpa_kg_per_cm2": 0.327},
    7: {"epa_kwh_per_cm2": 1.52, "gpa_kg_per_cm2": 0.275},
    8: {"epa_kwh_per_cm2": 1.52, "gpa_kg_per_cm2": 0.275},
    12: {"epa_kwh_per_cm2": 1.3, "gpa_kg_per_cm2": 0.177},
    16: {"epa_kwh_per_cm2": 1.2, "gpa_kg_per_cm2": 0.160},
    28: {"epa_kwh_per_cm2": 0.9, "gpa_kg_per_cm2": 0.1375},
}
MEMORY_KG_PER_GB: Mapping[str, float] = {"GDDR5": 0.29, "GDDR6": 0.36, "HBM2": 0.28, "HBM3": 0.24}


@dataclass(frozen=True)
class Board:
    """An accelerator as the model sees it.

    Parameters
    ----------
    node, die_mm2, dies
        Process [nm], area of all dies together [mm2], and how many they are.
    memory, memory_gb, stacks
        Kind, a key of `MEMORY_KG_PER_GB`; size [GB]; and stacks, 1 where memory is not stacked.
    idle_w, tdp_w
        Drawn without work and with all of it [W].
    fp32_tflops
        Of the data sheet, without tensor cores.
    published_kg
        What that code gives for the board [kgCO2e].
    """

    node: int
    die_mm2: float
    memory: str
    memory_gb: float
    stacks: int
    idle_w: float
    tdp_w: float
    fp32_tflops: float
    published_kg: float
    dies: int = 1

    def die_row(self) -> dict[str, float]:
        """Return the die as exercise 4.4 gets it."""
        return {"area_cm2": self.die_mm2 / 100, **PROCESSES[self.node]}

    def memory_row(self) -> dict[str, float]:
        """Return the memory as exercise 4.4 gets it."""
        per_gb = MEMORY_KG_PER_GB[self.memory]
        return {"gb": self.memory_gb, "kg_per_gb": per_gb, "stacks": self.stacks}

    def power_w(self, utilisation: float) -> float:
        """Return the power at a utilisation from 0 to 1, on the line from idle to all work [W].

        Raises
        ------
        ValueError
            If the utilisation is outside of 0 to 1.
        """
        if not 0 <= utilisation <= 1:
            raise ValueError(f"utilisation is {utilisation}; give a share from 0 to 1")
        return self.idle_w + utilisation * (self.tdp_w - self.idle_w)


BOARDS: Mapping[str, Board] = {
    "V100": Board(12, 815, "HBM2", 32, 4, 32, 300, 14.13, 35.1),
    "T4": Board(12, 545, "GDDR6", 16, 1, 36, 70, 8.141, 18.4),
    "A40": Board(8, 628, "GDDR6", 48, 1, 28, 300, 37.42, 36.0),
    "A100-PCIe": Board(7, 826, "HBM2", 40, 6, 28, 250, 19.49, 43.8),
    "A100-SXM": Board(7, 826, "HBM2", 80, 5, 85, 400, 19.49, 57.5),
    "H100": Board(4, 814, "HBM3", 80, 5, 108, 700, 67.0, 64.6),
    "B200": Board(4, 1600, "HBM3", 180, 12, 140, 1000, 124.16, 251.4, dies=2),
}
SOLVED: Mapping[str, str] = {
    "A100-PCIe": "idle power: 4 W below that of V100, from 5.66 years in Sweden",
    "A100-SXM": "80 GB in 5 stacks, from 57.5 kg; the table at hand has 40 GB in 6",
    "H100": "80 GB, from 64.6 kg; the table at hand has 96 GB",
    "B200": "180 GB in 12 stacks, from 251.4 kg; the table at hand has 192 GB in 4",
}
# From V100 to A100-PCIe at a utilisation of 0.75: years by country, for equal hours of work and
# for equal work, where one new board does what WORK_RATIO old ones do (solved from 0.171).
PUBLISHED_EQUAL_HOURS_Y: Mapping[str, float] = {"DEU": 0.39, "SWE": 5.66, "POL": 0.19}
PUBLISHED_EQUAL_WORK_Y: Mapping[str, float] = {"DEU": 0.012, "SWE": 0.171}
PUBLISHED_UTILISATION = 0.75
WORK_RATIO = 6.31
