"""Open checks of exercise 1.1: energies of operations."""

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

EXACT = 5e-7  # single precision rounds to 6e-8, a few times


@check("1.1", sentence="Every entry is divided by that of `base`, which itself becomes 1.")
def a_column_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take four rows of the table, with two bases."""
    energy_pj = {"int8 add": 0.03, "int8 multiply": 0.2, "float32 add": 0.9, "DRAM": 640}
    by_hand = {
        "int8 add": {"int8 add": 1, "int8 multiply": 0.2 / 0.03, "float32 add": 30},
        "int8 multiply": {"int8 add": 0.15, "int8 multiply": 1, "float32 add": 4.5},
    }
    by_hand["int8 add"]["DRAM"], by_hand["int8 multiply"]["DRAM"] = 64_000 / 3, 3_200
    for base, want in by_hand.items():
        got = student.relative_energy(energy_pj, base)
        assert isinstance(got, dict), f"the answer is a dict, you have a {type(got).__name__}"
        assert list(got) == list(want), f"the names stay, in their order; you have {list(got)}"
        table = [{"operation": name, "by hand": want[name], "yours": got[name]} for name in want]
        evidence.table([{**row, "multiple of": base} for row in table])
        for name in want:
            what = f"{name} as a multiple of {base}"
            assert_equal(got[name], want[name], what=what, relative=EXACT)


@check("1.1", sentence="A MAC is one multiply and one add.")
def three_macs(student: Student, rng: np.random.Generator) -> None:
    """Take a neuron with three inputs, a million times: 3 x (0.2 + 0.1) = 0.9 uJ in int8."""
    rows = []
    for kind, multiply_pj, add_pj, by_hand in (
        ("int8", 0.2, 0.1, 0.9),
        ("float32", 3.7, 0.9, 13.8),
    ):
        got = student.arithmetic_energy_uj(3_000_000, multiply_pj, add_pj)
        rows.append({"3,000,000 MACs in": kind, "by hand [uJ]": by_hand, "yours [uJ]": got})
    evidence.table(rows)
    for row in rows:
        what = f"3,000,000 MACs in {row['3,000,000 MACs in']} [uJ]"
        assert_equal(row["yours [uJ]"], row["by hand [uJ]"], what=what, relative=EXACT)
