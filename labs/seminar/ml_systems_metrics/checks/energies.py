"""The open checks of exercise 8.1: a column of ratios, and the bound of a layer."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.seminar.ml_systems_metrics.published import HOROWITZ_PJ

ROUNDING = 1e-9  # sums of a few products in float64 are right to 1e-15


def wanted_parts(shape: Any, precision: str, *, table: Any) -> tuple[float, float]:
    """Return arithmetic and DRAM energy [pJ], MACs counted place by place."""
    ins, outs, kernel, height, width = shape
    macs = sum(ins * kernel * kernel for _ in range(outs * height * width))
    adds = {"float32": "float32 add", "int8": "int32 add"}[precision]
    arithmetic = macs * table[f"{precision} multiply"] + macs * table[adds]
    bits = 32 if precision == "float32" else 8
    tensors = (outs * ins * kernel * kernel, ins * height * width, outs * height * width)
    words = sum(-(-numbers * bits // 32) for numbers in tensors)
    return arithmetic, words * table["DRAM read"]


def judge_parts(got: Any, *, shape: Any, precision: str, table: Any) -> None:
    """Assert both parts, naming the first that is off."""
    assert isinstance(got, tuple | list | np.ndarray), f"return two numbers, not {got!r:.40}"
    assert len(got) == 2, f"return two numbers, arithmetic and DRAM; yours {len(got)}"
    for name, have, want in zip(
        ("arithmetic", "DRAM"), got, wanted_parts(shape, precision, table=table), strict=True
    ):
        what = f"{name} energy [pJ] of {tuple(shape)} in {precision}"
        assert_equal(have, want, what=what, relative=ROUNDING)


@check("8.1", sentence="Each energy is divided by that of `base`; the names stay.")
def relative_to_the_smallest(student: Student, rng: np.random.Generator) -> None:
    """Fill the column of the course's table."""
    got = student.relative_energy(dict(HOROWITZ_PJ), "int8 add")
    assert isinstance(got, dict), f"return a dict from name to ratio, not {got!r:.40}"
    evidence.table(
        [
            {"operation": name, "energy [pJ]": pj, "relative": got.get(name, "missing")}
            for name, pj in HOROWITZ_PJ.items()
        ]
    )
    for name, pj in HOROWITZ_PJ.items():
        assert name in got, f"{name!r} is missing; give every name of the table"
        assert_equal(got[name], pj / 0.03, what=f"relative energy of {name}", relative=ROUNDING)


@check(
    "8.1",
    sentence="Every MAC is one multiplication and one addition: float32 adds in float32, int8 "
    "adds in int32.",
)
def a_tiny_layer(student: Student, rng: np.random.Generator) -> None:
    """Follow 2 x 3 kernels of 3 x 3 on 4 x 4 by hand: 54 weights at 16 places are 864 MACs."""
    shape = (2, 3, 3, 4, 4)
    rows = []
    for precision in ("float32", "int8"):
        got = student.layer_energy_pj(shape, precision, dict(HOROWITZ_PJ))
        want = wanted_parts(shape, precision, table=HOROWITZ_PJ)
        rows.append({"precision": precision, "(arithmetic, DRAM) [pJ]": want, "yours": got})
    evidence.table(rows)
    for row in rows:
        judge_parts(row["yours"], shape=shape, precision=row["precision"], table=HOROWITZ_PJ)
