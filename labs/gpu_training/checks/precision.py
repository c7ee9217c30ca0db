"""The open checks of exercise 2.5: known GPUs, and a scale that grows and shrinks by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

# Scales are powers of two, so a division is exact in float32.


def judge_choice(
    student: Student, capability: tuple[int, int] | None, *, want: Sequence[Any]
) -> None:
    """Assert the type of numbers and whether gradients are scaled."""
    got = student.choose_precision(capability)
    is_pair = isinstance(got, list | tuple) and len(got) == 2
    assert is_pair, f"a name and True or False are asked for; you have {evidence.brief(got)}"
    where = "without a GPU" if capability is None else f"with compute capability {capability}"
    assert str(got[0]) == want[0], f"{where}: {want[0]}; you have {got[0]}"
    assert got[1] is want[1], f"{where}: gradients scaled is {want[1]}; you have {got[1]}"


def judge_steps(
    student: Student, steps: Sequence[Sequence[np.ndarray]], *, scale: float, growth_interval: int
) -> list[dict[str, Any]]:
    """Assert each step of a run, its scale following from the step before; return the rows."""
    good, rows = 0, []
    for number, gradients in enumerate(steps, 1):
        before = scale
        got = student.scaler_step(list(gradients), scale, good, growth_interval)
        is_good = all(bool(np.isfinite(g).all()) for g in gradients)
        good = (good + 1) % growth_interval if is_good else 0
        scale = scale * (1 if good else 2) if is_good else scale / 2
        rows.append({"step": number, "finite": is_good, "scale next": scale, "good steps": good})
        _judge_step(got, gradients, is_good=is_good, scale=before, wanted=(scale, good))
    return rows


def _judge_step(
    got: Any,
    gradients: Sequence[np.ndarray],
    *,
    is_good: bool,
    scale: float,
    wanted: tuple[float, int],
) -> None:
    is_three = isinstance(got, list | tuple) and len(got) == 3
    assert is_three, f"three values are asked for; you have {evidence.brief(got)}"
    told = f"a step with scale {scale:g} and {'finite' if is_good else 'infinite or NaN'} gradients"
    if is_good:
        assert got[0] is not None, f"{told} is not skipped; yours is"
        for have, gradient in zip(got[0], gradients, strict=True):
            assert_equal(have, gradient / scale, what=f"{told}, unscaled")
    else:
        assert got[0] is None, f"{told} is skipped: None instead of gradients"
    assert_equal(got[1], wanted[0], what=f"the scale after {told}")
    assert_equal(got[2], wanted[1], what=f"the good steps after {told}")


def steps_of(kinds: str) -> list[list[np.ndarray]]:
    """Return gradients of two parameters, one letter a step: good, infinite, not a number."""
    bad = {"g": 1.0, "i": np.inf, "n": np.nan, "m": -np.inf}
    return [
        [np.array([8.0, -2.0], np.float32), np.array([[4.0 * bad[kind], 1.0]], np.float32)]
        for kind in kinds
    ]


@check(
    "2.5",
    sentence="With compute capability 8.0 or above it is `bfloat16` without scaling, below it is "
    "`float16` with scaling, and without a GPU `float32` without.",
)
def known_gpus(student: Student, rng: np.random.Generator) -> None:
    """Choose for a T4 (7.5), an A100 (8.0) and no GPU."""
    for capability, want in (
        ((7, 5), ("float16", True)),
        ((8, 0), ("bfloat16", False)),
        (None, ("float32", False)),
    ):
        judge_choice(student, capability, want=want)


@check(
    "2.5",
    sentence="If all gradients are finite, they come back divided by `scale`, and `good_steps` "
    "grows by 1.",
)
def one_good_step(student: Student, rng: np.random.Generator) -> None:
    """Unscale (8, -2) and (4, 1) by 4."""
    judge_steps(student, steps_of("g"), scale=4.0, growth_interval=3)


@check(
    "2.5",
    sentence="If any is infinite or NaN, the step is skipped: None comes back, the scale halves, "
    "and `good_steps` starts at 0.",
)
def a_step_is_skipped(student: Student, rng: np.random.Generator) -> None:
    """Follow five steps, the second of which is infinite."""
    evidence.table(judge_steps(student, steps_of("gig"), scale=16.0, growth_interval=3))
