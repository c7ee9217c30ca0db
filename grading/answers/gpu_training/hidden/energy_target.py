"""The hidden checks of exercise 2.14: noisy runs, long and short."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.checks.energy_target import judge


def noisy_run(rng: np.random.Generator, looks: int) -> tuple[list[float], list[float]]:
    """Return losses that fall with much noise, and energies that differ."""
    losses = 2 + 2 * np.exp(-np.arange(looks) / 15) + rng.normal(0, 0.3, looks)
    return losses.tolist(), rng.uniform(0.5, 3, looks).tolist()


@check(
    "2.14",
    sentence="The target is reached at the first look where the mean of the last "
    "`window` losses, its own included, is at most `target`.",
)
def noisy_losses(student: Student, rng: np.random.Generator) -> None:
    for window in (1, 4, 9):
        target = float(rng.uniform(2.3, 2.8))
        run = noisy_run(rng, 120)
        judge(student, run, target=target, window=window)


@check("2.14", sentence="A mean of fewer than `window` losses does not count.")
def a_low_start(student: Student, rng: np.random.Generator) -> None:
    losses = [0.1, 3.0, 3.0, 2.9, 2.0, 1.0, 0.5, 0.4]
    judge(student, (losses, [1.0] * 8), target=1.7, window=3)


@check("2.14", sentence="If the target is never reached, the answer is None.")
def out_of_reach(student: Student, rng: np.random.Generator) -> None:
    judge(student, noisy_run(rng, 60), target=0.5, window=5)
    judge(student, ([], []), target=1.0, window=1)


@check(
    "2.14", sentence="The energy is the sum of all looks up to this one, and looks count from 1."
)
def at_once_and_at_the_end(student: Student, rng: np.random.Generator) -> None:
    energies_j = rng.uniform(0.5, 3, 6).tolist()
    judge(student, ([3.0, 2.0, 2.0, 1.0, 1.0, 0.0], energies_j), target=3.0, window=1)
    judge(student, ([3.0, 3.0, 3.0, 3.0, 3.0, 0.0], energies_j), target=1.5, window=2)
