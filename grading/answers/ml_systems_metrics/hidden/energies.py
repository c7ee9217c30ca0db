"""Hidden cases of exercise 8.1."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.seminar.ml_systems_metrics.checks.energies import ROUNDING, judge_parts
from labs.seminar.ml_systems_metrics.published import HOROWITZ_PJ


def _table(rng: np.random.Generator, *, dram: float = 1.0) -> dict[str, float]:
    table = {name: float(rng.uniform(0.01, 5)) for name in rng.permutation(list(HOROWITZ_PJ))}
    return {str(name): value for name, value in {**table, "DRAM read": dram}.items()}


@check("8.1", sentence="Each energy is divided by that of `base`; the names stay.")
def other_tables(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        table = {f"operation {i}": float(rng.uniform(0.01, 700)) for i in range(5)}
        base = f"operation {rng.integers(5)}"
        got = student.relative_energy(table, base)
        assert set(got) == set(table), "give every name of the table, and no other"
        for name, value in table.items():
            what = f"relative energy of {name}"
            assert_equal(got[name], value / table[base], what=what, relative=ROUNDING)


@check(
    "8.1",
    sentence="Every MAC is one multiplication and one addition: float32 adds in float32, int8 "
    "adds in int32.",
    weight=2,
)
def layers_of_many_shapes(student: Student, rng: np.random.Generator) -> None:
    for precision in ("float32", "int8"):
        for kernel in (1, 3, 5):
            ins, outs, height, width = (int(n) * 4 for n in rng.choice(np.arange(1, 12), 4, False))
            table, shape = _table(rng), (ins, outs, kernel, height, width)
            got = student.layer_energy_pj(shape, precision, table)
            judge_parts(got, shape=shape, precision=precision, table=table)


@check(
    "8.1",
    sentence="Weights, inputs and outputs cross the border to DRAM once each, in words of 32 "
    "bits; a word that is begun is paid for whole, tensor by tensor.",
    weight=2,
)
def words_that_are_not_full(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        ins, outs, height, width = (int(n) for n in rng.choice([1, 3, 5, 7, 9, 11], 4, False))
        table, shape = _table(rng, dram=float(rng.uniform(100, 900))), (ins, outs, 3, height, width)
        got = student.layer_energy_pj(shape, "int8", table)
        judge_parts(got, shape=shape, precision="int8", table=table)
