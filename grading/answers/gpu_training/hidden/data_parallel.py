"""The hidden checks of exercise 2.8: the same sentences, other inputs."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training import buckets as ours
from labs.gpu_training.checks.data_parallel import (
    ALL_AT_ONCE,
    SHAPES,
    average,
    draw,
    judge_buckets,
    judge_content,
    judge_means,
    judge_messages,
    judge_starts,
    overlap,
    simulate,
)
from labs.gpu_training.simulated_step import SimulatedStep


@check(
    "2.8",
    sentence="Indices run from the last tensor to the first, because backward makes gradients "
    "ready in that order.",
    weight=0.75,
)
def many_sizes(student: Student, rng: np.random.Generator) -> None:
    for limit_bytes in (64, 100, ALL_AT_ONCE):
        sizes = (4 * rng.integers(1, 30, 12)).tolist()
        judge_buckets(student.bucket(sizes, limit_bytes), sizes, limit_bytes=limit_bytes)
    judge_buckets(student.bucket([8], 100), [8], limit_bytes=100)


@check(
    "2.8",
    sentence="A bucket takes the next tensor as long as its bytes stay at or below "
    "`limit_bytes`; a larger tensor travels alone.",
    weight=0.75,
)
def filled_to_the_brim_or_over(student: Student, rng: np.random.Generator) -> None:
    for sizes in ([20, 40, 20, 20, 20, 20], [4, 100, 4, 4, 100], [100, 100, 60], [60, 4, 56, 4]):
        for limit_bytes in (0, 60, 99):
            judge_buckets(student.bucket(sizes, limit_bytes), sizes, limit_bytes=limit_bytes)


@check(
    "2.8",
    sentence="Each result is the mean over the ranks, in the order of the parameters, with the "
    "shape and the dtype of the gradient.",
    weight=2,
)
def three_ranks_in_other_dtypes(student: Student, rng: np.random.Generator) -> None:
    shapes = ((3, 1, 2), (7,), (1, 1), (2, 5))
    for dtype, limit_bytes in (("float16", 24), ("float64", ALL_AT_ONCE), ("float32", 0)):
        gradients = draw(rng, shapes, number=3, dtype=dtype)
        means, _ = average(student, gradients, limit_bytes=limit_bytes)
        for rank, got in enumerate(means):
            judge_means(got, gradients, rank=rank)


@check(
    "2.8",
    sentence="Each result is the mean over the ranks, in the order of the parameters, with the "
    "shape and the dtype of the gradient.",
    weight=2,
)
def ranks_that_differ_in_order(student: Student, rng: np.random.Generator) -> None:
    for dtype in ("float32", "float16"):
        gradients = draw(rng, SHAPES, number=3, dtype=dtype)
        groups = [[4, 3], [2], [1], [0]]
        orders = [[4, 3, 2, 1, 0], [3, 2, 4, 0, 1], rng.permutation(5).tolist()]
        got = overlap(student, gradients, orders=orders, buckets=groups)
        for rank, means in enumerate(got):
            judge_means(means, gradients, rank=rank)


@check(
    "2.8",
    sentence="Each bucket of `bucket` travels as one flat array in one call of `all_reduce`.",
    weight=0.75,
)
def calls_of_many_tensors(student: Student, rng: np.random.Generator) -> None:
    shapes = tuple((int(n),) for n in rng.integers(1, 40, 14))
    gradients = draw(rng, shapes, number=1)
    for limit_bytes in (0, 160, 300, ALL_AT_ONCE):
        _, meeting = average(student, gradients, limit_bytes=limit_bytes)
        judge_messages(meeting.sent[0], gradients[0], limit_bytes=limit_bytes)


@check("2.8", sentence="No other byte travels: no padding, and no wider dtype.", weight=0.75)
def bytes_of_narrow_numbers(student: Student, rng: np.random.Generator) -> None:
    for dtype in ("float16", "float32"):
        gradients = draw(rng, ((3,), (5, 1), (7,), (2, 2)), number=2, dtype=dtype)
        _, meeting = average(student, gradients, limit_bytes=30)
        for sent, own in zip(meeting.sent, gradients):
            judge_messages(sent, own, limit_bytes=30, number=2)
    gradients = draw(rng, SHAPES, number=1, dtype="float16")[0]
    order = [4, 3, 2, 1, 0]
    step = SimulatedStep(gradients, order=order, gradient_ms=[1.0] * 5)
    simulate(student, step, buckets=[[4, 3, 2], [1, 0]])
    have = [message.size_bytes for message in step.messages]
    want = [sum(gradients[i].nbytes for i in group) for group in ([4, 3, 2], [1, 0])]
    assert have == want, f"two buckets of {want} bytes travel; in yours {have}"
    judge_content(step.sent, gradients, groups=[[4, 3, 2], [1, 0]], number=2)


@check(
    "2.8",
    sentence="A bucket starts as soon as its last gradient is there and every bucket before it "
    "has started.",
    weight=1.5,
)
def buckets_that_fill_out_of_order(student: Student, rng: np.random.Generator) -> None:
    gradients = draw(rng, tuple((n,) for n in (3, 5, 2, 8, 4, 6)), number=1)[0]
    groups = [[5, 4], [3], [2, 1], [0]]
    for order in ([5, 3, 4, 0, 1, 2], [0, 1, 2, 3, 4, 5], rng.permutation(6).tolist()):
        step = SimulatedStep(gradients, order=order, gradient_ms=[2.0] * 6)
        simulate(student, step, buckets=groups)
        judge_starts(step, buckets=groups, order=order)
        have = [message.size_bytes for message in step.messages]
        want = [sum(gradients[i].nbytes for i in group) for group in groups]
        assert have == want, (
            f"buckets start in the order of the list, the same on every rank: of {want} bytes; "
            f"yours of {have}"
        )
        judge_content(step.sent, gradients, groups=groups, number=2)


@check("2.8", sentence="Nothing waits before the last gradient is there.", weight=1.5)
def waits_at_the_end(student: Student, rng: np.random.Generator) -> None:
    gradients = draw(rng, tuple((int(n),) for n in rng.integers(2, 20, 9)), number=1)[0]
    groups = ours.bucket([gradient.nbytes for gradient in gradients], 90)
    order = list(range(9))[::-1]
    gradient_ms = rng.integers(1, 9, 9).astype(float).tolist()
    step = SimulatedStep(gradients, order=order, gradient_ms=gradient_ms)
    simulate(student, step, buckets=groups)
    assert step.early_waits == 0, (
        f"yours waits {step.early_waits} times while backward could work on; "
        "wait once it is at its end"
    )
    judge_starts(step, buckets=groups, order=order)
    end_ms = max(sum(gradient_ms), step.messages[-1].end_ms)
    assert step.now_ms == end_ms, (
        f"the simulated step ends at {end_ms:g} ms, when the last sum is there; yours at "
        f"{step.now_ms:g}: wait for every bucket"
    )
    judge_content(step.sent, gradients, groups=groups, number=2)
