"""The open checks of exercise 2.8: two ranks, five small gradients, and a simulated clock."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student, callback, ranks
from labs.gpu_training import buckets as ours
from labs.gpu_training import overlap_pictures
from labs.gpu_training.meeting import Meeting
from labs.gpu_training.simulated_step import SimulatedStep, ready_after

Array = NDArray[np.floating]
ALL_AT_ONCE = 10**9
SHAPES: tuple[tuple[int, ...], ...] = ((2, 3), (3,), (4, 2), (1,), (2,))


def draw(
    rng: np.random.Generator,
    shapes: Sequence[tuple[int, ...]],
    *,
    number: int,
    dtype: str = "float32",
) -> list[list[Array]]:
    """Return gradients of several ranks: whole numbers, so that sums are exact in any order."""
    return [[rng.integers(-60, 61, shape).astype(dtype) for shape in shapes] for _ in range(number)]


def judge_buckets(got: object, sizes_bytes: Sequence[int], *, limit_bytes: int) -> None:
    """Assert that tensors are put into buckets as the exercise says."""
    what = f"sizes {evidence.brief(list(sizes_bytes))}, limit {limit_bytes}"
    want = ours.bucket(sizes_bytes, limit_bytes)
    rows = got.tolist() if isinstance(got, np.ndarray) else got
    assert isinstance(rows, list | tuple), f"{what}: a list of lists is asked for"
    have = [np.asarray(row).ravel().tolist() for row in rows]
    flat = [index for group in have for index in group]
    assert sorted(flat) == list(range(len(sizes_bytes))), (
        f"{what}: every index stands in one bucket; in yours {evidence.brief(have)}"
    )
    assert flat == sorted(flat, reverse=True), (
        f"{what}: the last tensor comes first, as backward makes it ready first; "
        f"in yours {evidence.brief(have)}"
    )
    for group in have:
        total = sum(sizes_bytes[index] for index in group)
        assert len(group) <= 1 or total <= limit_bytes, (
            f"{what}: bucket {group} holds {total} bytes, more than the limit"
        )
    assert have == want, (
        f"{what}: a bucket takes the next tensor as long as it fits; expected "
        f"{evidence.brief(want)}, you have {evidence.brief(have)}"
    )


def judge_means(got: object, gradients: Sequence[Sequence[Array]], *, rank: int) -> None:
    """Assert that a rank has the mean of each gradient over all ranks."""
    own = gradients[rank]
    assert isinstance(got, list | tuple), "a list of arrays is asked for"
    assert len(got) == len(own), f"{len(own)} gradients give {len(own)} means; yours {len(got)}"
    for index, mean in enumerate(got):
        total = np.sum([np.asarray(each[index], float) for each in gradients], axis=0)
        what = f"gradient {index} on rank {rank} of {len(gradients)}"
        have = np.asarray(mean)
        assert have.shape == own[index].shape, (
            f"{what} has the shape {own[index].shape}; its mean in yours {have.shape}"
        )
        assert have.dtype == own[index].dtype, (
            f"{what} has the dtype {own[index].dtype}; its mean in yours {have.dtype}"
        )
        _judge_values(have, total, number=len(gradients), own=own[index], what=what)


def _judge_values(have: Array, total: Array, *, number: int, own: Array, what: str) -> None:
    # Each rank may divide before it sends: a rounding for each rank and for each addition.
    allowed = 2 * number * float(np.finfo(own.dtype).eps) * 60
    want = total / number

    def is_near(other: Array) -> bool:
        return bool((np.abs(have.astype(float) - other) <= allowed).all())

    assert is_near(want) or not is_near(total), f"{what} is the sum; divide by the ranks"
    assert is_near(want) or not is_near(own.astype(float)), (
        f"{what} is still this rank's own; take what came back from the other ranks"
    )
    assert is_near(want), (
        f"{what}: the mean is {evidence.brief(want.ravel()[:4])}, "
        f"yours {evidence.brief(have.ravel()[:4])} (the first few)"
    )


def average(
    student: Student, gradients: Sequence[Sequence[Array]], *, limit_bytes: int
) -> tuple[list[Any], Meeting]:
    """Run `average_gradients` on real ranks; return what each has, and where they met."""
    meeting = Meeting(len(gradients))
    each = ranks(student, len(gradients))

    def call(rank: int) -> Any:
        return each[rank].average_gradients(
            gradients[rank],
            meeting.all_reduce(rank),
            ranks=len(gradients),
            limit_bytes=limit_bytes,
        )

    means = meeting.run([lambda rank=rank: call(rank) for rank in range(len(gradients))])  # type: ignore[misc]  # a default argument
    return means, meeting


def overlap(
    student: Student,
    gradients: Sequence[Sequence[Array]],
    *,
    orders: Sequence[Sequence[int]],
    buckets: Sequence[Sequence[int]],
) -> list[Any]:
    """Run `overlapped_step` on real ranks, gradients coming in the order of each rank."""
    meeting = Meeting(len(gradients))
    each = ranks(student, len(gradients))

    def call(rank: int) -> Any:
        left = [(index, gradients[rank][index]) for index in orders[rank]]
        return each[rank].overlapped_step(
            callback(lambda: left.pop(0) if left else None),
            meeting.start(rank),
            wait=meeting.wait(rank),
            buckets=buckets,
            ranks=len(gradients),
        )

    return meeting.run([lambda rank=rank: call(rank) for rank in range(len(gradients))])  # type: ignore[misc]  # as above


def judge_messages(
    sent: Sequence[Array], own: Sequence[Array], *, limit_bytes: int, number: int = 1
) -> None:
    """Assert how many messages a rank of `number` sent, how many bytes in each, and what."""
    sizes = [gradient.nbytes for gradient in own]
    groups = ours.bucket(sizes, limit_bytes)
    have = [int(array.nbytes) for array in sent]
    what = f"with limit_bytes={limit_bytes}"
    assert len(have) == len(groups), (
        f"{what} {len(sizes)} gradients travel in {len(groups)} messages; yours in {len(have)}"
    )
    assert sum(have) == sum(sizes), (
        f"{what} {sum(sizes)} bytes travel, as many as the gradients have; in yours {sum(have)}"
    )
    assert_equal(
        have, [sum(sizes[i] for i in group) for group in groups], what=f"{what} bytes of messages"
    )
    judge_content(sent, own, groups=groups, number=number)


def judge_content(
    sent: Sequence[Array], own: Sequence[Array], *, groups: Sequence[Sequence[int]], number: int
) -> None:
    """Assert that each message holds the gradients of its bucket: right sizes alone are nothing.

    They may stand in any order, and be divided by the `number` of ranks already.
    """
    for bucket, (array, group) in enumerate(zip(sent, groups, strict=True)):
        want = np.sort(np.concatenate([own[i].ravel() for i in group]).astype(float))
        have = np.sort(array.ravel()).astype(float) if array.dtype.kind in "iuf" else want[:0]
        # Up to 60 in size, and rounded once where they are divided.
        allowed = number * 60 * float(np.finfo(own[group[0]].dtype).eps)
        is_there = have.size == want.size and any(
            bool((np.abs(have * factor - want) <= allowed).all()) for factor in (1, number)
        )
        assert is_there, (
            f"message {bucket} holds the gradients {evidence.brief(list(group))}; yours has as "
            "many bytes and other numbers"
        )


def simulate(
    student: Student, step: SimulatedStep, *, buckets: Sequence[Sequence[int]], number: int = 2
) -> Any:
    """Run `overlapped_step` on a simulated clock and return what it returns."""
    return student.overlapped_step(
        callback(step.next_gradient),
        callback(step.start),
        wait=callback(step.wait),
        buckets=buckets,
        ranks=number,
    )


def judge_starts(
    step: SimulatedStep, *, buckets: Sequence[Sequence[int]], order: Sequence[int]
) -> None:
    """Assert that each bucket started as soon as it could, and no sooner."""
    want = ready_after(buckets, order)
    have = [message.gradients for message in step.messages]
    assert len(have) == len(want), (
        f"{len(want)} buckets start {len(want)} messages; in yours {len(have)}"
    )
    for number, (due, started) in enumerate(zip(want, have, strict=True)):
        assert started >= due, (
            f"bucket {number} can start after {due} gradients of backward; yours starts after "
            f"{started}, before it is full or before one in front of it"
        )
        assert started <= due, (
            f"bucket {number} can start after {due} gradients of backward; yours starts after "
            f"{started}, which hides nothing in between"
        )


@check(
    "2.8",
    sentence="A bucket takes the next tensor as long as its bytes stay at or below "
    "`limit_bytes`; a larger tensor travels alone.",
    weight=0.75,
)
def five_tensors_into_buckets(student: Student, rng: np.random.Generator) -> None:
    """Fill buckets of 60 bytes with 10, 20, 90, 30 and 30: one is filled to the brim."""
    sizes = [30, 30, 90, 20, 10]
    got = student.bucket(sizes, 60)
    evidence.table(
        [
            {
                "sizes [B]": sizes,
                "limit [B]": 60,
                "yours": got,
                "expected": ours.bucket(sizes, 60),
            }
        ]
    )
    judge_buckets(got, sizes, limit_bytes=60)


@check(
    "2.8",
    sentence="Each result is the mean over the ranks, in the order of the parameters, with the "
    "shape and the dtype of the gradient.",
    weight=2,
)
def means_of_two_ranks(student: Student, rng: np.random.Generator) -> None:
    """Average five small gradients of two ranks."""
    gradients = draw(rng, SHAPES, number=2)
    means, _ = average(student, gradients, limit_bytes=40)
    for rank in (0, 1):
        judge_means(means[rank], gradients, rank=rank)
    groups = [[4, 3], [2], [1, 0]]
    orders = [[4, 3, 2, 1, 0]] * 2
    for rank, got in enumerate(overlap(student, gradients, orders=orders, buckets=groups)):
        judge_means(got, gradients, rank=rank)


@check(
    "2.8",
    sentence="Each bucket of `bucket` travels as one flat array in one call of `all_reduce`.",
    weight=0.75,
)
def three_limits_three_ways(student: Student, rng: np.random.Generator) -> None:
    """Count messages: 0 sends each tensor alone, a huge limit all at once, 40 bytes something."""
    gradients = draw(rng, SHAPES, number=1)
    seen = {}
    for way, limit_bytes in (("naive", 0), ("bucketed", 40), ("flat", ALL_AT_ONCE)):
        seen[way, limit_bytes] = average(student, gradients, limit_bytes=limit_bytes)[1].sent[0]
    evidence.table(
        [
            {"way": way, "limit [B]": limit, "bytes of your messages": [a.nbytes for a in sent]}
            for (way, limit), sent in seen.items()
        ]
    )
    for (_, limit_bytes), sent in seen.items():
        judge_messages(sent, gradients[0], limit_bytes=limit_bytes)


@check(
    "2.8",
    sentence="A bucket starts as soon as its last gradient is there and every bucket before it "
    "has started.",
    weight=1.5,
)
def starts_while_backward_works(student: Student, rng: np.random.Generator) -> None:
    """Watch five gradients in three buckets on a clock; the picture shows who waits for whom."""
    gradients = draw(rng, SHAPES, number=1)[0]
    groups, order = [[4, 3], [2], [1, 0]], [4, 3, 2, 1, 0]
    step = SimulatedStep(gradients, order=order, gradient_ms=[1.0, 1.0, 3.0, 2.0, 2.0])
    simulate(student, step, buckets=groups)
    rows = {
        "backward": step.computing,
        "all-reduce": [(message.begin_ms, message.end_ms) for message in step.messages],
    }
    figure, axes = plots.new_figure(wide=True)
    overlap_pictures.lanes(axes, rows, title=f"Your simulated step takes {step.now_ms:.4g} ms")
    evidence.picture(figure, alt="Bars over time: backward above, your all-reduces below.")
    judge_starts(step, buckets=groups, order=order)
    judge_content(step.sent, gradients, groups=groups, number=2)
