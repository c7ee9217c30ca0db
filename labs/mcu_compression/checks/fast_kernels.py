"""Open checks of the fast pointwise layer, exercise 1.12: exact first, then instructions counted.

Counts are those of an emulated Cortex-M4. They are compared with the plain kernel of the generator,
which the same compiler makes and the same emulator counts, so no time is in them.
"""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student, apart
from labs.mcu_compression.checks.kernels import (
    BENCH,
    as_text,
    assert_exact,
    assert_in_place,
    show_codes,
    tried,
)
from labs.mcu_compression.pointwise import Pointwise, draw

# With zig 0.17 the text of 1.11 takes 0.64, without the zero point 0.51, SMLAD 0.37 to 0.40, with
# two outputs at once 0.34, two by two 0.26 to 0.31.
LEAN, PAIRED, BLOCKED = 0.6, 0.45, 0.35
HOT = (125, 64, 64)  # the pointwise layers of the network at width 1
HOT_ZEROS = {"x_zero": -128, "y_zero": -128}


def text_of(student: Student, layer: Pointwise) -> str:
    """Ask for the C text of a layer whose zero point is in its biases."""
    return as_text(student.fast_pointwise_source(*layer.sizes, layer.y_zero))


def folded(student: Student, layer: Pointwise) -> Any:
    """Ask for the biases of a layer."""
    got = np.asarray(student.fold_zero_point(layer.w, layer.b, layer.x_zero))
    assert got.shape == layer.b.shape, (
        f"one bias for each output, shape {layer.b.shape}; you have {got.shape}"
    )
    return got


def counted(student: Student, rng: np.random.Generator) -> dict[str, int]:
    """Return instructions of the plain kernel and of the student's, which must be exact."""
    layer = draw(rng, HOT, **HOT_ZEROS)
    naive = apart(student, f"{BENCH}:run_naive", arrays=layer.arrays, **HOT_ZEROS)
    assert "error" not in naive, naive["error"]
    found = tried(student, text_of(student, layer.folded()), layer=layer.folded())
    try:
        assert_in_place(found)
        assert_exact(found, layer.folded())
    except AssertionError as err:
        raise AssertionError(f"speed counts once the codes are right ({err})") from err
    return {"the plain kernel": naive["instructions"], "yours": found["instructions"]}


def assert_at_most(counts: dict[str, int], share: float) -> None:
    """Compare a number of instructions with a share of those of the plain kernel."""
    plain, yours = counts.values()
    assert yours <= share * plain, (
        f"{yours:,} instructions are {yours / plain:.1%} of the {plain:,} of the plain kernel; "
        f"at most {share:.0%} here"
    )


def show_counts(counts: dict[str, int]) -> None:
    """Show numbers of instructions, the first of which is the plain kernel's."""
    plain, macs = next(iter(counts.values())), int(np.prod(HOT))
    evidence.table(
        [
            {
                "kernel": name,
                "instructions": f"{number:,}",
                "for each MAC": f"{number / macs:.2f}",
                "share": f"{number / plain:.1%}",
            }
            for name, number in counts.items()
        ]
    )


@check("1.12", sentence="Each bias becomes b minus x_zero times the sum of its output's weights.")
def folds_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take two outputs: weights 5, 7, -2, and three of -100, with the zero point -128."""
    w, b = np.array([[5, 7, -2], [-100, -100, -100]], np.int8), np.array([2, 0], np.int32)
    layer = Pointwise(np.zeros((1, 3), np.int8), w, b, b, w[:, 0], x_zero=-128, y_zero=0)
    got = folded(student, layer)
    evidence.table(
        [
            {"weights": row.tolist(), "b": int(bias), "folded": int(want), "yours": float(yours)}
            for row, bias, want, yours in zip(w, b, layer.folded().b, got, strict=True)
        ]
    )
    assert_equal(got, layer.folded().b, what="biases 2 and 0 with x_zero -128")


@check("1.12", sentence="Every code equals the reference's, bit for bit, whatever the numbers are.")
def small_layer(student: Student, rng: np.random.Generator) -> None:
    """Draw a layer of four places and two outputs."""
    layer = draw(rng, (4, 8, 2), x_zero=-128, y_zero=-9).folded()
    found = tried(student, text_of(student, layer), layer=layer)
    show_codes(found, layer)
    assert_in_place(found)
    assert_exact(found, layer)


@check("1.12", sentence="It takes at most 60 % of the plain kernel's instructions.")
def is_lean(student: Student, rng: np.random.Generator) -> None:
    """Count for the layer of the network."""
    counts = counted(student, rng)
    show_counts(counts)
    assert_at_most(counts, LEAN)


@check("1.12", sentence="It takes at most 45 % of the plain kernel's instructions.", weight=3.5)
def is_paired(student: Student, rng: np.random.Generator) -> None:
    """Count for the layer of the network."""
    assert_at_most(counted(student, rng), PAIRED)


@check("1.12", sentence="It takes at most 35 % of the plain kernel's instructions.", weight=2)
def is_blocked(student: Student, rng: np.random.Generator) -> None:
    """Count for the layer of the network."""
    assert_at_most(counted(student, rng), BLOCKED)
