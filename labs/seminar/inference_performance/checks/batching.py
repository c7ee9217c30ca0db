"""The open checks of exercise 6.5: the three rows of the text, a burst, and an idle server."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

# Every time is a whole number of ticks, and a tick is a power of two: with less than 2**20 of them
# sums are exact in float64 and in float32 in any order, so it is clear who arrives as a batch ends.
TICK_S = 2.0**-10
TOLERANCE_S = TICK_S / 100
Cost = tuple[int, int]


def wanted_ticks(arrivals: Any, cost: Cost, *, most: int) -> list[int]:
    """Return latencies [ticks] by playing the server tick by tick; cost is overhead and work."""
    coming = [int(x) for x in arrivals]
    done: list[int] = []
    waiting: list[int] = []
    batch: list[int] = []
    now, ends = min(coming), 0
    while len(done) < len(arrivals):
        while coming and coming[0] == now:
            waiting.append(coming.pop(0))
        if batch and now == ends:
            done += [now - arrived for arrived in batch]
            batch = []
        if waiting and not batch:
            batch, waiting = waiting[:most], waiting[most:]
            ends = now + cost[0] + cost[1] * len(batch)
        now += 1
    return done


def judge_latencies(student: Student, arrivals: Any, *, cost: Cost, most: int, what: str) -> None:
    """Assert the latency of every row, naming the first that is off; arrivals and cost in ticks."""
    got = ask(student, arrivals, cost=cost, most=most)
    values = numbers(got, count=len(arrivals), what=what)
    wanted = np.array(wanted_ticks(arrivals, cost, most=most)) * TICK_S
    wrong = np.flatnonzero(~(np.abs(values - wanted) <= TOLERANCE_S))
    assert not wrong.size, (
        f"{what}: row {wrong[0]}, the first of {wrong.size} that differ, takes "
        f"{wanted[wrong[0]]:.6g} s, you have {values[wrong[0]]:.6g}"
    )


def ask(student: Student, arrivals: Any, *, cost: Cost, most: int) -> Any:
    """Return what the student answers; arrivals and cost in ticks."""
    overhead_s, work_s = (x * TICK_S for x in cost)
    arrivals_s = np.asarray(arrivals, dtype=np.float64) * TICK_S
    return student.batched_latencies(arrivals_s, overhead_s, work_s, most)


def numbers(got: Any, *, count: int, what: str) -> np.ndarray:
    """Return latencies as floats; say what is wrong with their form."""
    assert isinstance(got, list | tuple | np.ndarray), f"{what}: return a list, not {got!r:.40}"
    assert len(np.shape(got)) == 1, f"{what}: return one number a row; yours has {np.shape(got)}"
    assert len(got) == count, f"{what}: {count} rows have {count} latencies; yours {len(got)}"
    values = np.asarray(got)
    assert values.dtype.kind in "iuf", f"{what}: latencies are numbers, not {values.dtype}"
    return values.astype(np.float64)


@check("6.5", sentence="All rows of a batch are answered when it ends; latency counts from the "
       "arrival.")  # fmt: skip
def three_rows_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the three rows of the text, a tick for a millisecond: 3, 6 and 5."""
    arrivals = [0, 1, 2]
    got = ask(student, arrivals, cost=(2, 1), most=8)
    wanted = wanted_ticks(arrivals, (2, 1), most=8)
    given = list(got) if isinstance(got, list | tuple | np.ndarray) else [got]
    yours = [float(x) / TICK_S if isinstance(x, int | float) else x for x in given]
    evidence.table(
        [
            {"arrives [ticks]": at, "latency [ticks]": want, "yours [ticks]": have}
            for at, want, have in zip(arrivals, wanted, yours, strict=False)
        ]
    )
    judge_latencies(student, arrivals, cost=(2, 1), most=8, what="three rows, at 0, 1 and 2 ticks")


@check(
    "6.5",
    sentence="When it is free and rows have arrived, it takes all that have, the oldest first, "
    "at most `most`.",
)
def a_burst(student: Student, rng: np.random.Generator) -> None:
    """Let seven rows wait behind a first one: batches of three, three and one."""
    arrivals = [0, *sorted(int(x) for x in rng.integers(1, 60, 7))]
    judge_latencies(student, arrivals, cost=(60, 7), most=3, what="a row and a burst of 7, most 3")


@check(
    "6.5",
    sentence="When it is free and none has, it waits for the next arrival, and takes all that "
    "arrive then, at most `most`.",
)
def an_idle_server(student: Student, rng: np.random.Generator) -> None:
    """Leave pauses, and let three rows arrive in the same moment after one."""
    arrivals = [500, 900, 900, 900, 1600]
    judge_latencies(
        student, arrivals, cost=(20, 10), most=2, what="pauses, then three rows at once"
    )
