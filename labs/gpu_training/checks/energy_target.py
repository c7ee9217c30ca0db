"""The open checks of exercise 2.14: five looks at a loss that can be averaged by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

# Sums of at most some hundred numbers of float64, each right to 2.2e-16 of itself.
RELATIVE = 1e-9


def judge(student: Student, run: tuple[Sequence[float], Sequence[float]], **asked: Any) -> None:
    """Assert number of looks and energy of a run.

    Parameters
    ----------
    student
        Whose `energy_to_target` is called.
    run
        Losses and energies.
    asked
        ``target`` and ``window``.
    """
    losses, energies_j = run
    target, window = asked["target"], asked["window"]
    got = student.energy_to_target(list(losses), list(energies_j), target, window)
    what = f"target {target:.4g}, window {window}, {len(losses)} looks"
    looks = expected_looks(losses, target=target, window=window)
    if looks is None:
        assert got is None, f"{what}: never reached, so None; yours {evidence.brief(got)}"
        return
    assert got is not None, f"{what}: reached at look {looks}; yours is None"
    have = np.asarray(got, dtype=np.float64)
    assert have.shape == (2,), f"{what}: two numbers are asked for; yours {evidence.brief(got)}"
    assert have[0] == looks, f"{what}: reached at look {looks}, counted from 1; yours {have[0]:g}"
    want_j = float(sum(energies_j[:looks]))
    assert abs(have[1] - want_j) <= RELATIVE * want_j, (
        f"{what}: {looks} looks took {want_j:.6g} J together; yours {have[1]:.6g} J"
    )


def expected_looks(losses: Sequence[float], *, target: float, window: int) -> int | None:
    """Return the first look at which the mean of the last `window` losses is not above target."""
    for looks in range(window, len(losses) + 1):
        if sum(losses[looks - window : looks]) / window <= target:
            return looks
    return None


@check(
    "2.14",
    sentence="The target is reached at the first look where the mean of the last "
    "`window` losses, its own included, is at most `target`.",
)
def five_looks(student: Student, rng: np.random.Generator) -> None:
    """Average two at a time: 3.5, 2.5, 2.5, 1.75; a single loss of 2 comes earlier."""
    losses, energies_j = [4.0, 3.0, 2.0, 3.0, 0.5], [1.0, 2.0, 4.0, 8.0, 16.0]
    means = [None, *(sum(losses[i - 1 : i + 1]) / 2 for i in range(1, 5))]
    evidence.table(
        [
            {
                "look": i + 1,
                "loss": losses[i],
                "mean of the last 2": means[i] or "",
                "energy [J]": e,
            }
            for i, e in enumerate(energies_j)
        ]
    )
    judge(student, (losses, energies_j), target=2.0, window=2)
    judge(student, (losses, energies_j), target=2.5, window=2)


@check("2.14", sentence="If the target is never reached, the answer is None.")
def never(student: Student, rng: np.random.Generator) -> None:
    """Ask for a loss of 1, and for a mean of more looks than there are."""
    judge(student, ([4.0, 3.0, 2.0], [1.0, 1.0, 1.0]), target=1.0, window=1)
    judge(student, ([4.0, 3.0, 2.0], [1.0, 1.0, 1.0]), target=5.0, window=4)
