"""Hidden cases of exercise 6.5."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_performance.checks.batching import judge_latencies


@check(
    "6.5",
    sentence="When it is free and rows have arrived, it takes all that have, the oldest first, "
    "at most `most`.",
    weight=2,
)
def busy_and_idle(student: Student, rng: np.random.Generator) -> None:
    for most in (1, 4, 50):
        cost = int(rng.integers(10, 40)), int(rng.integers(2, 12))
        gap = 1.2 * (cost[0] + cost[1] * min(most, 6)) / min(most, 6)
        arrivals = np.floor(np.cumsum(rng.exponential(gap, 150))).astype(int)
        judge_latencies(student, arrivals, cost=cost, most=most, what=f"150 rows, most {most}")


@check("6.5", sentence="A row that arrives in the moment the server becomes free has arrived.")
def in_the_same_moment(student: Student, rng: np.random.Generator) -> None:
    overhead, work = (int(x) for x in rng.integers(3, 30, 2))
    first = overhead + work
    arrivals = [0, first, first, 2 * first + work, 2 * first + work + 1]
    judge_latencies(
        student, arrivals, cost=(overhead, work), most=5, what="rows that arrive as a batch ends"
    )


@check(
    "6.5",
    sentence="When it is free and none has, it waits for the next arrival, and takes all that "
    "arrive then, at most `most`.",
)
def all_at_once(student: Student, rng: np.random.Generator) -> None:
    for most in (1, 3, 4, 12):
        arrivals = np.repeat(np.sort(rng.integers(0, 2_000, 4)), rng.integers(2, 7, 4))
        judge_latencies(
            student, arrivals, cost=(9, 4), most=most, what=f"rows at once, most {most}"
        )


@check(
    "6.5",
    sentence="When it is free and none has, it waits for the next arrival, and takes all that "
    "arrive then, at most `most`.",
)
def a_late_first_row(student: Student, rng: np.random.Generator) -> None:
    arrivals = 3_000 + np.array([0, 400, 400, 1_000])
    judge_latencies(student, arrivals, cost=(25, 6), most=2, what="a first row after 3,000 ticks")
    judge_latencies(student, arrivals[:1], cost=(25, 6), most=2, what="a single row")


@check("6.5", sentence="The server handles one batch at a time; a batch of n rows takes overhead "
       "+ n * work.", weight=2)  # fmt: skip
def other_costs(student: Student, rng: np.random.Generator) -> None:
    arrivals = np.cumsum(rng.integers(0, 30, 60))
    for cost in ((0, 21), (55, 0), (1, 90), (120, 1)):
        what = f"60 rows, overhead {cost[0]} and work {cost[1]} ticks"
        judge_latencies(student, arrivals, cost=cost, most=7, what=what)


@check(
    "6.5",
    sentence="When it is free and rows have arrived, it takes all that have, the oldest first, "
    "at most `most`.",
)
def a_long_queue(student: Student, rng: np.random.Generator) -> None:
    arrivals = np.sort(rng.integers(0, 50, 90))
    for most in (1, 2, 16, 89):
        judge_latencies(
            student, arrivals, cost=(31, 5), most=most, what=f"90 rows in 50 ticks, {most}"
        )
