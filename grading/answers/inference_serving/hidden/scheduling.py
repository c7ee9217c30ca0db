"""The hidden checks of exercise 7.4: the same sentences on drawn queues."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_serving.checks.scheduling import batch, judge, queue


def _waiting(rng: np.random.Generator, number: int, *, most: int) -> list[dict[str, int]]:
    return queue(*((int(p), int(o)) for p, o in rng.integers(1, most, (number, 2))))


def _running(rng: np.random.Generator, number: int, *, done: float) -> list[dict[str, int]]:
    rows = []
    for prompt, output in rng.integers(2, 9, (number, 2)):
        made = output if rng.random() < done else rng.integers(1, output)
        rows.append((int(prompt), int(output), int(made)))
    return batch(*rows)


@check(
    "7.4",
    sentence="A running request that has made all of its output leaves, and frees its place and "
    "its tokens for this very step.",
)
def several_are_done(student: Student, rng: np.random.Generator) -> None:
    for done in (0.3, 0.7, 1.0):
        running = _running(rng, 6, done=done)
        waiting = _waiting(rng, 8, most=9)
        judge(student, waiting, running=running, capacity=(60, 6), what="some of six are done")


@check(
    "7.4",
    sentence="A request reserves its prompt and its output in the cache, and all that run may "
    "reserve at most `cache_tokens` together.",
    weight=2,
)
def drawn_budgets(student: Student, rng: np.random.Generator) -> None:
    for _ in range(6):
        running = _running(rng, 4, done=0.3)
        waiting = _waiting(rng, 9, most=12)
        held = sum(r["prompt"] + r["output"] for r in running if r["made"] < r["output"])
        full = held + sum(r["prompt"] + r["output"] for r in waiting[:3])
        for cache_tokens in (full - 1, full, full + 1):
            capacity = (max(cache_tokens, 24), 20)
            judge(student, waiting, running=running, capacity=capacity, what="a budget of tokens")


@check("7.4", sentence="At most `most_running` requests run at once.")
def drawn_places(student: Student, rng: np.random.Generator) -> None:
    for places in (1, 2, 5, 9):
        running = _running(rng, min(places, 4), done=0.4)
        waiting = _waiting(rng, 9, most=9)
        judge(student, waiting, running=running, capacity=(10_000, places), what=f"{places} places")


@check(
    "7.4",
    sentence="Who came first is admitted first: if the first in the queue does not fit yet, "
    "nobody behind it comes in.",
)
def small_ones_behind_large_ones(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        sizes = [(2, 2)] * int(rng.integers(0, 3)) + [(20, 15)] + [(1, 1)] * 4
        judge(
            student,
            queue(*sizes),
            running=batch((10, 5, 1)),
            capacity=(40, 9),
            what="a large one waits",
        )


@check(
    "7.4",
    sentence="A request that needs more than the whole cache is refused at once, wherever it "
    "stands, and holds nobody up.",
)
def some_never_fit(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        waiting = _waiting(rng, 12, most=24)
        running = _running(rng, 3, done=0.4)
        judge(student, waiting, running=running, capacity=(25, 4), what="some never fit")
    never = queue((30, 1), (26, 5))
    judge(student, never, running=batch((4, 5, 1)), capacity=(30, 4), what="nobody ever fits")
