"""The open checks of exercises 4.2 to 4.4: dies, bills of materials, boards."""

import math
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.carbon_footprint import boards, tables
from labs.seminar.carbon_footprint.checks.electricity import judge_number

PROCESS = {"epa_kwh_per_cm2": 2.0, "gpa95_g_per_cm2": 400.0, "gpa99_g_per_cm2": 200.0}
FAB: dict[str, Any] = {"fab_g_per_kwh": 500.0, "abatement": 97, "fab_yield": 0.9, "packages": 0}
DIE = {"area_cm2": 10.0, "epa_kwh_per_cm2": 1.0, "gpa_kg_per_cm2": 0.014}
MEMORY = {"gb": 19.0, "kg_per_gb": 0.1, "stacks": 1}
PARTS: list[dict[str, Any]] = [
    {
        "name": "CPU",
        "kind": "logic",
        "count": 2,
        "area_cm2": 4.0,
        "g_per_cm2": 900.0,
        "packages": 1,
        "yield": 0.9,
    },
    {
        "name": "DIMM",
        "kind": "DRAM",
        "count": 3,
        "capacity_gb": 8.0,
        "g_per_gb": 80.0,
        "packages": 10,
        "yield": 0.8,
    },
]


def judge_kinds(got: object, want: dict[str, float]) -> None:
    """Assert that an answer is grams by kind, packages on their own."""
    assert isinstance(got, dict), f"return a dictionary, grams by kind; you have {got!r:.40}"
    assert set(got) == set(want), f"the kinds should be {sorted(want)}, you have {sorted(got)}"
    for kind, due in want.items():
        judge_number(got[kind], due, what=f"grams of {kind}")


def judge_board(got: object, die_kg: float, *, memory_kg: float) -> None:
    """Assert that an answer is the dies and the memory of a board."""
    assert isinstance(got, tuple | list), f"return two numbers, dies and memory; {got!r:.40}"
    assert len(got) == 2, f"return two numbers, dies and memory; you have {len(got)}"
    judge_number(got[0], die_kg, what="kilograms of the dies")
    judge_number(got[1], memory_kg, what="kilograms of the memory")


@check(
    "4.2",
    sentence="A square centimetre costs the fab's energy times its grid, its gases, and 500 g of "
    "materials.",
)
def one_die(student: Student, rng: np.random.Generator) -> None:
    """Take 90 mm2: 0.9 cm2 over a yield of 0.9 is one square centimetre that is paid for."""
    got = student.logic_g(90.0, PROCESS, **FAB)
    evidence.table(
        [
            {"part": "energy, 2 kWh at 500 g", "due [g]": 1000.0},
            {"part": "gases, half way between 400 and 200", "due [g]": 300.0},
            {"part": "materials", "due [g]": 500.0},
            {"part": "all", "due [g]": 1800.0, "yours": got},
        ]
    )
    judge_number(got, 1800.0, what="a die of 90 mm2")


@check(
    "4.2",
    sentence="Each package adds 150 g, whatever the yield.",
)
def published_die(student: Student, rng: np.random.Generator) -> None:
    """Take the die of an A100 by ACT's own constants: 19 298.6 g were published."""
    fab = {**FAB, "fab_g_per_kwh": 583.0, "fab_yield": 0.875, "packages": 1}
    got = student.logic_g(826.0, dict(tables.PROCESSES[7]), **fab)
    evidence.table([{"die": "826 mm2, 7 nm", "ACT 2.0 [g]": 19298.6, "yours": got}])
    judge_number(got, 8.26 * (583 * 2.15 + 275 + 500) / 0.875 + 150, what="826 mm2 in 7 nm")


@check(
    "4.3",
    sentence="Every part is there `count` times, and so are its packages, at 150 g each.",
)
def two_kinds(student: Student, rng: np.random.Generator) -> None:
    """Take two processors and three memories of 8 GB."""
    got = student.bill_g(PARTS)
    want = {"logic": 8000.0, "DRAM": 2400.0, "packages": 4800.0}
    evidence.table(
        [
            {"kind": "logic, 2 x 4 cm2 x 900 g / 0.9", "due [g]": 8000.0},
            {"kind": "DRAM, 3 x 8 GB x 80 g / 0.8", "due [g]": 2400.0},
            {"kind": "packages, 2 x 1 and 3 x 10", "due [g]": 4800.0},
            {"kind": "yours", "due [g]": got},
        ]
    )
    judge_kinds(got, want)


@check(
    "4.3",
    sentence="With `memory_yield=False` memory is not divided by its yield; logic still is.",
)
def as_in_the_readme(student: Student, rng: np.random.Generator) -> None:
    """Take the same parts by the formula of ACT's README."""
    got = student.bill_g(PARTS, memory_yield=False)
    judge_kinds(got, {"logic": 8000.0, "DRAM": 1920.0, "packages": 4800.0})


@check(
    "4.4",
    sentence="The yield of a die is exp(-0.1 A), A its area in cm2, and the good dies pay for all.",
)
def one_large_die(student: Student, rng: np.random.Generator) -> None:
    """Take 10 cm2 at 1 kg each: a yield of 37 % makes them 27 kg."""
    got = student.board_kg(DIE, MEMORY)
    evidence.table(
        [
            {"part": "die before scrap", "due [kg]": 10.0},
            {"part": "its yield", "due [kg]": math.exp(-1)},
            {"part": "die", "due [kg]": 10 * math.e},
            {"part": "memory, 19 GB x 0.1 kg / 0.95", "due [kg]": 2.0},
            {"part": "yours", "due [kg]": got},
        ]
    )
    judge_board(got, 10 * math.e, memory_kg=2.0)


@check(
    "4.4",
    sentence="Several dies share the area equally and are tested one by one, so the yield is that "
    "of one of them.",
)
def two_dies(student: Student, rng: np.random.Generator) -> None:
    """Cut the same area into two dies: the yield rises to 61 %."""
    got = student.board_kg(DIE, MEMORY, dies=2)
    judge_board(got, 10 * math.exp(0.5), memory_kg=2.0)


@check(
    "4.4",
    sentence="A board has its memory only if every stack is good: divide by 0.95 for each of them.",
)
def published_board(student: Student, rng: np.random.Generator) -> None:
    """Take a V100: 35.1 kg were published."""
    board = boards.BOARDS["V100"]
    got = student.board_kg(board.die_row(), board.memory_row())
    die_kg = 8.15 * (0.486 * 1.3 + 0.177 + 0.5) * math.exp(0.815)
    evidence.table([{"board": "V100", "published [kg]": board.published_kg, "yours": got}])
    judge_board(got, die_kg, memory_kg=32 * 0.28 / 0.95**4)
