"""Hidden checks of exercise 1.1: the same sentences, other tables and other counts."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student


@check(
    "1.1", sentence="Every entry is divided by that of `base`, which itself becomes 1.", weight=2
)
def other_tables(student: Student, rng: np.random.Generator) -> None:
    names = [f"operation {i}" for i in rng.permutation(6)]
    table = {name: float(x) for name, x in zip(names, rng.uniform(0.5, 9, 6), strict=True)}
    for base in names[1:3]:
        got = student.relative_energy(table, base)
        for name in names:
            what = f"{name} as a multiple of {base}"
            assert_equal(got[name], table[name] / table[base], what=what, relative=5e-7)


@check("1.1", sentence="A MAC is one multiply and one add.")
def other_counts(student: Student, rng: np.random.Generator) -> None:
    for macs in (1, int(rng.integers(10**4, 10**9))):
        multiply_pj, add_pj = (float(x) for x in rng.uniform(0.1, 5, 2))
        want = macs * multiply_pj * 1e-6 + macs * add_pj * 1e-6
        got = student.arithmetic_energy_uj(macs, multiply_pj, add_pj)
        assert_equal(got, want, what=f"energy of {macs:,} MACs [uJ]", relative=5e-7)
