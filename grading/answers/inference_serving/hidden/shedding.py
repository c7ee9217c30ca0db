"""The hidden checks of exercise 7.7: the same sentences on drawn queues."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_serving.checks.shedding import judge, waiting


def _queue(rng: np.random.Generator, number: int) -> list[dict[str, float]]:
    arrivals = np.sort(rng.integers(0, 100, number))
    rows = zip(arrivals.tolist(), rng.integers(1, 30, number).tolist(), strict=True)
    return waiting(*rows, first=7)


@check(
    "7.7",
    sentence="Prompts are read one after the other in the order of the queue, the first from "
    "`now_ms` on; the first token is there when its prompt is read.",
)
def drawn_queues(student: Student, rng: np.random.Generator) -> None:
    for number in (1, 4, 12):
        for objective_ms in (20.0, 60.0, 150.0):
            queue = _queue(rng, number)
            judge(student, queue, now_ms=100.0, objective_ms=objective_ms, what="a drawn queue")


@check(
    "7.7",
    sentence="A request is kept if its time to the first token, from its arrival, is at most "
    "`objective_ms`.",
)
def at_the_limit(student: Student, rng: np.random.Generator) -> None:
    for late_ms in (0, 1):
        rows = [(0, 10), (20 - late_ms, 10), (40, 20)]
        judge(student, waiting(*rows), now_ms=30.0, objective_ms=40.0, what="just in time, or not")


@check("7.7", sentence="Who is not kept takes no time, so those behind it move up.", weight=2)
def long_ones_between(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        rows = [(0, int(p)) for p in rng.choice([3, 200], 10)]
        judge(student, waiting(*rows), now_ms=5.0, objective_ms=30.0, what="long ones between")
    late = waiting((0, 50), (0, 60))
    judge(student, late, now_ms=1000.0, objective_ms=30.0, what="everybody is late")
