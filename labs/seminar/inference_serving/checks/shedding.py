"""The open checks of exercise 7.7: a queue by hand, and what the sentences say about its order."""

from collections.abc import Mapping, Sequence

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student


def waiting(*rows: tuple[int, int], first: int = 0) -> list[dict[str, float]]:
    """Return requests with these arrivals and reading times, numbered from `first`."""
    return [
        {"id": first + i, "arrival_ms": float(a), "prefill_ms": float(p)}
        for i, (a, p) in enumerate(rows)
    ]


def decide(
    queue: Sequence[Mapping[str, float]], *, now_ms: float, objective_ms: float
) -> list[int]:
    """Return who is kept, adding up everybody's wait anew from those kept before."""
    kept: list[Mapping[str, float]] = []
    for each in queue:
        ahead_ms = sum(other["prefill_ms"] for other in kept)
        if now_ms + ahead_ms + each["prefill_ms"] - each["arrival_ms"] <= objective_ms:
            kept.append(each)
    return [int(each["id"]) for each in kept]


def judge(
    student: Student,
    queue: Sequence[Mapping[str, float]],
    *,
    now_ms: float,
    objective_ms: float,
    what: str,
) -> None:
    """Assert who is kept; `what` says which queue this is."""
    want = decide(queue, now_ms=now_ms, objective_ms=objective_ms)
    got = student.keep(list(queue), now_ms=now_ms, objective_ms=objective_ms)
    rows = [
        {**each, "expected": "kept" if each["id"] in want else "turned away"} for each in queue[:8]
    ]
    evidence.table([*rows, {"id": "yours", "expected": evidence.brief(got)}] if rows else [])
    assert_equal(got, want, what=f"{what}: who is kept")


@check(
    "7.7",
    sentence="Prompts are read one after the other in the order of the queue, the first from "
    "`now_ms` on; the first token is there when its prompt is read.",
)
def three_in_a_row(student: Student, rng: np.random.Generator) -> None:
    """Let three with 10 ms each wait from 0 on: first tokens at 10, 20 and 30 ms."""
    three = waiting((0, 10), (0, 10), (0, 10))
    judge(student, three, now_ms=0.0, objective_ms=25.0, what="three of 10 ms, objective 25 ms")
    judge(student, three, now_ms=8.0, objective_ms=25.0, what="the same, 8 ms later")


@check(
    "7.7",
    sentence="A request is kept if its time to the first token, from its arrival, is at most "
    "`objective_ms`.",
)
def just_in_time(student: Student, rng: np.random.Generator) -> None:
    """Let requests come at different times: each has its own deadline, and may just meet it."""
    queue = waiting((59, 10), (60, 10), (70, 10), (90, 10))
    judge(student, queue, now_ms=90.0, objective_ms=40.0, what="arrivals at 59, 60, 70 and 90 ms")


@check("7.7", sentence="Who is not kept takes no time, so those behind it move up.")
def those_behind_move_up(student: Student, rng: np.random.Generator) -> None:
    """Put a long prompt that is too late before a short one that is not."""
    queue = waiting((0, 5), (0, 50), (0, 5))
    judge(student, queue, now_ms=10.0, objective_ms=25.0, what="a long prompt in the middle")
    judge(student, [], now_ms=10.0, objective_ms=25.0, what="nobody waits")
