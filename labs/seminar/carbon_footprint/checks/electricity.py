"""The open checks of exercises 4.1 and 4.5: electricity, its sources, and what is reserved."""

import math
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check, raises
from labs.engine.student import Student

# A dozen products and sums in float64 lose far less than this, and a wrong constant more.
RELATIVE = 1e-10
SOURCES: list[dict[str, Any]] = [
    {"name": "Map", "year": 2024, "g_per_kwh": 300.0, "basis": "location"},
    {"name": "Office", "year": 2023, "g_per_kwh": 400.0, "basis": "location"},
    {"name": "Contract", "year": 2024, "g_per_kwh": 5.0, "basis": "market"},
]
MACHINE: dict[str, Any] = {
    "busy_w": 500.0,
    "idle_w": 100.0,
    "embodied_kg": 876.0,
    "lifetime_y": 5.0,
    "units": 8,
}


def judge_number(got: object, want: float, *, what: str) -> None:
    """Assert that an answer is a number, and the right one."""
    is_number = isinstance(got, int | float | np.number) and not isinstance(got, bool)
    assert is_number, f"{what}: return a number, you have {got!r:.40}"
    have = float(got)  # type: ignore[arg-type]  # it is a number
    near = have == want or (math.isfinite(want) and abs(have - want) <= RELATIVE * abs(want))
    assert near, f"{what}: expected {want:.6g}, you have {have:.6g}"


def judge_end(got: object, want: tuple[float, str], *, what: str) -> None:
    """Assert that an answer is grams with their label."""
    assert isinstance(got, tuple | list), f"{what}: return grams and a label, you have {got!r:.40}"
    assert len(got) == 2, f"{what}: return grams and a label, you have {got!r:.60}"
    judge_number(got[0], want[0], what=what)
    assert got[1] == want[1], f"{what}: the label should be {want[1]!r}, you have {got[1]!r:.40}"


def judge_ends(got: object, low: tuple[float, str], *, high: tuple[float, str]) -> None:
    """Assert that an answer is the low end and the high end."""
    assert isinstance(got, tuple | list), f"return two ends, low and high, you have {got!r:.40}"
    assert len(got) == 2, f"return two ends, low and high, you have {len(got)}"
    judge_end(got[0], low, what="the low end")
    judge_end(got[1], high, what="the high end")


@check("4.1", sentence="The building draws the energy of the computers times the PUE.")
def ten_kilowatt_hours(student: Student, rng: np.random.Generator) -> None:
    """Take 10 kWh in a building with a PUE of 1.5: 15 kWh."""
    got = student.operational_g(10.0, 1.5, SOURCES)
    evidence.table(
        [
            {"source": "Map 2024", "due [g]": 4500.0, "counts": "yes"},
            {"source": "Office 2023", "due [g]": 6000.0, "counts": "yes"},
            {"source": "Contract 2024", "due [g]": 75.0, "counts": "no, a contract"},
            {"source": "yours", "due [g]": got},
        ]
    )
    judge_ends(got, (4500.0, "Map 2024"), high=(6000.0, "Office 2023"))


@check("4.1", sentence="A PUE below 1 or a list in which nothing counts raises a `ValueError`.")
def no_source_counts(student: Student, rng: np.random.Generator) -> None:
    """Offer a contract alone: there is no honest number to return."""
    with raises("ValueError"):
        student.operational_g(10.0, 1.5, SOURCES[2:])


@check(
    "4.5",
    sentence="Making counts by the reserved hours over those of the lifetime; a year has 8,760.",
)
def golden_example(student: Student, rng: np.random.Generator) -> None:
    """Take the example of the specification: 1000 kg, 4 years, 1 hour, no electricity."""
    machine = {**MACHINE, "embodied_kg": 1000.0, "lifetime_y": 4.0, "units": 1}
    use = {"used_h": 1.0, "reserved_h": 1.0, "units": 1}
    got = student.sci_g(machine, use, g_per_kwh=0.0, functional_units=1.0)
    evidence.table([{"by hand [g]": 1e6 / (4 * 8760), "published [g]": 28.5, "yours": got}])
    judge_number(got, 1e6 / (4 * 8760), what="1000 kg over 4 years, for 1 hour")


@check(
    "4.5",
    sentence="Reserved hours that are not used draw the idle power, and they count.",
)
def reserved_for_longer(student: Student, rng: np.random.Generator) -> None:
    """Reserve all of a machine for 10 hours, use 2: 1 kWh busy, 0.8 kWh idle, 200 g of making."""
    use = {"used_h": 2.0, "reserved_h": 10.0, "units": 8}
    got = student.sci_g(MACHINE, use, g_per_kwh=100.0, functional_units=10.0)
    evidence.table(
        [
            {"part": "busy", "due [g]": 100.0},
            {"part": "idle", "due [g]": 80.0},
            {"part": "making", "due [g]": 200.0},
            {"part": "all, a tenth for each unit", "due [g]": 38.0, "yours": got},
        ]
    )
    judge_number(got, 38.0, what="2 of 10 hours used, 10 units of work")
