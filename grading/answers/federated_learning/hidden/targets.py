"""The hidden checks of exercise 3.3: the same sentences, other curves, targets and bytes."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.federated_learning.checks.targets import between, curve, judge_bytes, judge_rounds


@check(
    "3.3",
    sentence="The curve is the best accuracy so far, joined by straight lines; its crossing of "
    "the target is a number of rounds, counted from 0.",
    weight=2,
)
def other_curves(student: Student, rng: np.random.Generator) -> None:
    for rounds in (3, 12, 60):
        accuracies = curve(rng, rounds)
        for share in (0.15, 0.5, 0.85, 0.97):
            judge_rounds(student, accuracies, target=between(accuracies, share))
    # The best before the crossing lies several rounds back.
    judge_rounds(student, [0.1, 0.7, 0.2, 0.3, 0.65, 0.9], target=0.85)


@check("3.3", sentence="A target that is never reached gives None.", weight=0.5)
def never(student: Student, rng: np.random.Generator) -> None:
    accuracies = curve(rng, 9)
    top = max(accuracies)
    judge_rounds(student, accuracies, target=top + 0.001)
    judge_bytes(student, accuracies, target=top + 0.001, up=[1] * 9, down=[2] * 9)
    judge_rounds(student, accuracies, target=top)


@check(
    "3.3", sentence="A target that is reached before the first round takes 0 rounds and 0 bytes."
)
def from_the_start(student: Student, rng: np.random.Generator) -> None:
    accuracies = [0.5, 0.4, 0.9]
    for target in (0.5, 0.3, 0.75):  # the last one, so that answering 0 earns nothing
        judge_rounds(student, accuracies, target=target)
        judge_bytes(student, accuracies, target=target, up=[5, 6], down=[7, 8])


@check(
    "3.3",
    sentence="Bytes count both ways, of all rounds up to the end of the one that reaches the "
    "target.",
    weight=2,
)
def other_bytes(student: Student, rng: np.random.Generator) -> None:
    for rounds in (4, 20):
        accuracies = curve(rng, rounds)
        up, down = rng.integers(1, 10**12, (2, rounds)).tolist()
        for share in (0.3, 0.8, 1.0):  # the last is reached exactly at the end of a round
            target = max(accuracies) if share == 1.0 else between(accuracies, share)
            judge_bytes(student, accuracies, target=target, up=up, down=down)
