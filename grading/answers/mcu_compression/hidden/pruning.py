"""The hidden checks of exercise 1.7: the same sentences, other inputs."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.mcu_compression.checks.pruning import (
    check_mask,
    judge_channels,
    judge_shrunk,
)


@check(
    "1.7",
    sentence="No weight that goes has a larger magnitude than one that stays; signs do not count.",
)
def mostly_negative(student: Student, rng: np.random.Generator) -> None:
    weights = rng.normal(-0.3, 0.5, size=101).astype(np.float32)
    for sparsity in (0.2, 0.63, 0.9):
        check_mask(student, weights, sparsity=sparsity)


@check(
    "1.7",
    sentence="Exactly `round((1 - sparsity) * n)` of the n weights stay, also where "
    "magnitudes are equal.",
)
def equal_magnitudes(student: Student, rng: np.random.Generator) -> None:
    weights = rng.choice([-0.5, -0.25, 0.0, 0.25, 0.5], size=(11, 6)).astype(np.float32)
    for sparsity in (0.15, 0.5, 0.85):
        check_mask(student, weights, sparsity=sparsity)
    check_mask(student, np.full((3, 5), 0.125, dtype=np.float32), sparsity=0.4)


@check("1.7", sentence="The mask has the shape of the weights; True means that the weight stays.")
def kernels_of_four_dimensions(student: Student, rng: np.random.Generator) -> None:
    check_mask(student, rng.normal(0, 0.1, size=(5, 4, 3, 3)).astype(np.float32), sparsity=0.7)


@check(
    "1.7",
    sentence="Exactly `round((1 - sparsity) * n)` of the n weights stay, also where "
    "magnitudes are equal.",
)
def all_or_nothing(student: Student, rng: np.random.Generator) -> None:
    weights = rng.normal(size=(2, 2)).astype(np.float32)
    for sparsity in (0.0, 0.9, 1.0):
        mask = np.asarray(student.magnitude_mask(weights, sparsity))
        what = f"weights of 4 that stay with sparsity {sparsity}"
        assert_equal(int(np.count_nonzero(mask)), 4 if sparsity == 0 else 0, what=what)


@check("1.7", sentence="The strength of channel c is the L2 norm of all of `weights[c]`.")
def channels_of_kernels(student: Student, rng: np.random.Generator) -> None:
    weights = rng.normal(0, 0.2, size=(24, 6, 3, 3)) * rng.uniform(0.3, 3, size=(24, 1, 1, 1))
    weights[:, 0] += rng.choice([-2, 2], size=24)[:, None, None]  # sums and L1 norms rank otherwise
    weights = weights.astype(np.float32)
    norms = np.sqrt((weights.astype(float) ** 2).sum((1, 2, 3)))
    for keep in (1, 9, 23):
        judge_channels(student.strongest_channels(weights, keep), norms, keep=keep)


@check("1.7", sentence="The positions of the `keep` strongest come back in rising order.")
def rising_order(student: Student, rng: np.random.Generator) -> None:
    norms = rng.permutation(np.arange(1.0, 13.0))
    weights = (norms[:, None] * np.array([[0.6, -0.8]])).astype(np.float32)
    for keep in (6, 12):
        judge_channels(student.strongest_channels(weights, keep), norms, keep=keep)


@check(
    "1.7",
    sentence="A channel with norm r above the threshold shrinks to norm r - threshold and "
    "keeps its direction.",
)
def small_channels_of_kernels(student: Student, rng: np.random.Generator) -> None:
    weights = rng.normal(size=(12, 4, 3, 3))
    weights /= np.sqrt((weights**2).sum((1, 2, 3), keepdims=True))
    # Norms on both sides of the threshold, at least 0.01 away from it: rounding cannot matter.
    norms = np.concatenate([rng.uniform(0.02, 0.19, 6), rng.uniform(0.21, 0.6, 6)])
    weights = (weights * rng.permutation(norms)[:, None, None, None]).astype(np.float32)
    judge_shrunk(student.shrink_groups(weights, 0.2), weights, threshold=0.2, what="threshold 0.2")


@check("1.7", sentence="A channel whose norm is at most the threshold becomes exactly 0.")
def at_the_threshold(student: Student, rng: np.random.Generator) -> None:
    weights = np.array([[3, 4], [-8, 6], [0, 5], [0.3, 0.4]], np.float32)
    judge_shrunk(student.shrink_groups(weights, 5.0), weights, threshold=5.0, what="threshold 5")


@check("1.7", sentence="A channel that is 0 already stays 0, and a threshold of 0 changes nothing.")
def zero_channels(student: Student, rng: np.random.Generator) -> None:
    weights = rng.normal(size=(6, 10)).astype(np.float32)
    weights[[0, 3]] = 0.0
    for threshold in (0.5, 0.0):
        what = f"two channels of 0, threshold {threshold:g}"
        judge_shrunk(
            student.shrink_groups(weights, threshold), weights, threshold=threshold, what=what
        )
