"""The hidden checks of exercise 2.9: the same sentences, other inputs."""

import functools

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.checks.sharding import (
    Job,
    judge_adamw,
    judge_bytes,
    judge_calls,
    judge_handed,
    judge_types,
    judge_weights,
)
from labs.gpu_training.sharded_state import held_bytes


def moved(
    weights: np.ndarray, gradient: np.ndarray, *, moments: np.ndarray, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and moments, (2, n), after a step of AdamW at rate 0.01.

    Written anew: the course's own is withheld while student code runs, also from what that calls.
    """
    kept, fresh = np.array([[0.9], [0.999]]), np.stack([gradient, gradient.astype(float) ** 2])
    moments = kept * moments + (1 - kept) * fresh
    mean, square = moments / (1 - kept**step)
    return weights - 0.01 * (0.01 * weights + mean / (np.sqrt(square) + 1e-8)), moments


def drawn(rng: np.random.Generator, *, weights: int, ranks: int) -> Job:
    """Return a job of AdamW's first step on weights and gradients at random."""
    start = rng.normal(size=weights).astype(np.float32)
    gradients = rng.normal(0.2, 1e-2, size=(ranks, weights)).astype(np.float32)

    def change(piece: np.ndarray, gradient: np.ndarray, rank: int) -> np.ndarray:
        new, _ = moved(piece, gradient, moments=np.zeros((2, len(piece))), step=1)
        return new.astype(piece.dtype)

    return Job(start, gradients, change)


def changed(
    piece: np.ndarray, gradient: np.ndarray, rank: int, *, own: np.ndarray, step: int
) -> np.ndarray:
    """Return new weights of a rank's piece, given the moments of all ranks."""
    return moved(piece, gradient, moments=own[rank], step=step)[0].astype(piece.dtype)


@check(
    "2.9",
    sentence="The new weights are those of AdamW with the formulas and constants above.",
)
def several_steps(student: Student, rng: np.random.Generator) -> None:
    start = rng.normal(size=40).astype(np.float32)
    gradients = rng.normal(0.1, 0.5, size=(5, 40)).astype(np.float32)
    judge_adamw(student, list(gradients), start=start, rate=float(rng.uniform(0.01, 0.05)))


@check(
    "2.9",
    sentence="The new state counts one step more and holds both new running means.",
)
def a_state_from_elsewhere(student: Student, rng: np.random.Generator) -> None:
    # Gradients near eps show where eps stands; float32 holds their squares with all digits.
    gradients = (rng.choice([-1, 1], (3, 24)) * rng.uniform(0.3, 3, (3, 24)) * 1e-8).astype(
        np.float32
    )
    judge_adamw(student, list(gradients), start=np.zeros(24, np.float32), rate=0.03)


@check(
    "2.9",
    sentence="`reduce_scatter` is called once, with all gradients of this rank followed by as few "
    "zeros as make their number a multiple of the ranks.",
)
def sizes_that_do_not_divide(student: Student, rng: np.random.Generator) -> None:
    for weights, ranks in ((10, 4), (12, 4), (7, 3)):
        job = drawn(rng, weights=weights, ranks=ranks)
        for rank in (0, ranks - 1):
            _, seen = job.ask(student, rank)
            judge_calls(job, seen)
            padded = job.pieces(job.gradients[rank]).reshape(-1)
            assert bool((seen.reduce_scatter[0] == padded).all()), (
                f"rank {rank} of {ranks}: reduce_scatter gets all gradients, then zeros"
            )


@check(
    "2.9",
    sentence="`update` is called once, with this rank's piece of the weights, padded likewise, and "
    "the mean over the ranks of its gradients.",
    weight=2,
)
def own_piece_and_mean(student: Student, rng: np.random.Generator) -> None:
    for weights, ranks in ((11, 4), (9, 3)):
        job = drawn(rng, weights=weights, ranks=ranks)
        for rank in range(ranks):
            _, seen = job.ask(student, rank)
            judge_handed(job, seen, rank=rank)


@check(
    "2.9",
    sentence="`all_gather` is called once, with the piece that `update` returned; what comes back "
    "is cut to the number of weights.",
    weight=2,
)
def three_steps_as_one_process(student: Student, rng: np.random.Generator) -> None:
    """Train on three ranks with a state each, and compare with AdamW that holds all."""
    ranks, size = 3, 17
    weights = rng.normal(size=size).astype(np.float32)
    whole, moments = weights, np.zeros((2, size))
    own = np.zeros((ranks, 2, -(-size // ranks)))
    for step in (1, 2, 3):
        gradients = rng.normal(0.2, 0.1, size=(ranks, size)).astype(np.float32)
        change = functools.partial(changed, own=own, step=step)
        job = Job(weights, gradients, change)
        answers = []
        for rank in range(ranks):
            got, seen = job.ask(student, rank)
            judge_calls(job, seen)
            judge_weights(job, got, rank=rank)
            answers.append(np.asarray(got, np.float32))
        mean = job.mean_gradient()
        pieces = zip(job.pieces(weights), job.pieces(mean), own, strict=True)
        own = np.stack([moved(w, g, moments=m, step=step)[1] for w, g, m in pieces])
        new, moments = moved(whole, mean, moments=moments, step=step)
        whole, weights = new.astype(np.float32), answers[0]
        # One rounding a step of weights up to 4, 1.2e-7, and of what moves them.
        apart = float(np.abs(weights - whole).max())
        assert apart <= 5e-7, f"the weights differ by {apart:.2g} from AdamW on one process"


@check(
    "2.9",
    sentence="Nothing changes its type: what is sent has the type of the weights.",
)
def types_stay(student: Student, rng: np.random.Generator) -> None:
    for ranks in (2, 4):
        job = drawn(rng, weights=9, ranks=ranks)
        _, seen = job.ask(student, 1)
        judge_calls(job, seen)
        judge_types(job, seen, rank=1)


@check(
    "2.9",
    sentence="It also works on a single rank, and with more ranks than weights.",
)
def one_rank_and_too_many(student: Student, rng: np.random.Generator) -> None:
    for weights, ranks in ((6, 1), (3, 5), (1, 2)):
        job = drawn(rng, weights=weights, ranks=ranks)
        for rank in {0, ranks // 2, ranks - 1}:
            got, seen = job.ask(student, rank)
            judge_handed(job, seen, rank=rank)
            judge_weights(job, got, rank=rank)


@check(
    "2.9",
    sentence="Stage 0 splits nothing, stage 1 the optimiser's part, stage 2 also the gradients, "
    "stage 3 also the weights.",
)
def stages_in_float32(student: Student, rng: np.random.Generator) -> None:
    parameters, ranks = int(rng.integers(1, 1000)) * 64, 64
    for stage in (0, 1, 2, 3):
        asked = {"stage": stage, "precision": "float32"}
        got = student.bytes_per_rank(parameters, ranks, **asked)
        wanted = held_bytes(parameters, ranks, **asked)
        judge_bytes(got, wanted, what=f"{parameters:,} parameters, stage {stage}, float32")


@check(
    "2.9",
    sentence="A part that is split counts one rank's piece, its padding included.",
)
def padded_pieces(student: Student, rng: np.random.Generator) -> None:
    for parameters, ranks in ((1001, 8), (3, 1024), (10**9 + 7, 3), (12, 1)):
        for stage in (1, 2, 3):
            asked = {"stage": stage, "precision": "mixed"}
            got = student.bytes_per_rank(parameters, ranks, **asked)
            wanted = held_bytes(parameters, ranks, **asked)
            what = f"{parameters:,} parameters on {ranks} ranks, stage {stage}"
            judge_bytes(got, wanted, what=what)
