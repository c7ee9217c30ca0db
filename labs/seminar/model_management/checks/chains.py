"""The open checks of exercises 5.3 and 5.4: updates and chains of them."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student, callback
from labs.seminar.model_management.checks.common import assert_tensors


@check(
    "5.3",
    sentence="A tensor has changed if its type, its shape or any bit of it has, or if the base has "
    "none of that name.",
)
def update_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take a base of three tensors: one stays, one changes, one goes, one is new."""
    stays, old, new = np.arange(3.0), np.zeros(2, np.float32), np.array([0, 1], np.float32)
    base = {"stays": stays, "changes": old, "goes": old}
    answer = student.update_of(base, {"stays": stays.copy(), "changes": new, "new": old})
    assert len(answer) == 2, "return (changed, removed)"
    evidence.table([{"changed": ", ".join(answer[0]), "removed": str(answer[1])}])
    assert_tensors(answer[0], {"changes": new, "new": old}, what="the changed tensors")
    assert_equal(list(answer[1]), ["goes"], what="the removed names")


@check(
    "5.3",
    sentence="A record's tensors replace those of its base, and the names that it removed are "
    "gone.",
)
def chain_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the chain A, B, C of the hand example."""
    one, two, three, four = (np.array([float(x)]) for x in (1, 2, 3, 4))
    shelf: dict[str, dict[str, Any]] = {
        "A": {"base": None, "tensors": {"x": one, "y": two}, "removed": []},
        "B": {"base": "A", "tensors": {"y": three}, "removed": []},
        "C": {"base": "B", "tensors": {"z": four}, "removed": ["x"]},
    }
    want: dict[str, dict[str, Any]] = {
        "A": {"x": one, "y": two},
        "B": {"x": one, "y": three},
        "C": {"y": three, "z": four},
    }
    for name, state in want.items():
        got = student.recover(name, callback(shelf.__getitem__))
        assert_tensors(got, state, what=f"the model {name}")


@check("5.4", sentence="The saving is the share of all bytes that the update leaves out.")
def saving_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the network of the hand example, with either layer changed."""
    tensors = [("a.weight", "float32", (2, 3)), ("a.steps", "int64", ())]
    tensors.append(("b.weight", "float32", (2,)))
    for changed, by_hand in ((["b"], 32 / 40), (["a"], 8 / 40), ([], 1.0)):
        got = student.update_saving(tensors, changed)
        # One division: a rounding of the last bit either way.
        assert_equal(got, by_hand, what=f"the saving if {changed} changed", relative=1e-12)


@check(
    "5.4",
    sentence="Models 0, `every`, 2 `every` and so on are snapshots, the others updates of the "
    "model before.",
)
def plan_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take chains of 7 models of 100 bytes, with updates of 10."""
    rows = []
    for every, total, most in ((1, 700, 100), (3, 3 * 100 + 4 * 10, 120), (7, 160, 160)):
        answer = student.chain_plan(100, 10, 7, every)
        assert len(answer) == 2, "return (bytes stored, most bytes read)"
        row = {"every": every, "stored": total, "yours stored": answer[0]}
        rows.append(row | {"most read": most, "yours read": answer[1]})
    evidence.table(rows)
    for row in rows:
        what = f"7 models with a snapshot every {row['every']}"
        assert_equal(row["yours stored"], row["stored"], what=f"bytes stored, {what}")
        assert_equal(row["yours read"], row["most read"], what=f"most bytes read, {what}")
