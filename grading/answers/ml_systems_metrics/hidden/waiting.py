"""Hidden cases of exercise 8.4."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.seminar.ml_systems_metrics.checks.waiting import (
    busy_period,
    wanted_latencies,
    wanted_record,
)


@check(
    "8.4",
    sentence="A request starts when it is due, or when the one before is done, whichever is later.",
    weight=2,
)
def busy_and_idle(student: Student, rng: np.random.Generator) -> None:
    for count in (12, 60):
        due, service = busy_period(rng, count)
        got = student.scheduled_latency(due, service)
        assert_equal(got, wanted_latencies(due, service), what=f"latencies of {count} requests")


@check("8.4", sentence="Its latency runs from the moment it was due until it is done.")
def a_late_start(student: Student, rng: np.random.Generator) -> None:
    due, service = 1_000 + 7 * np.arange(5), np.array([30, 1, 1, 1, 1])
    got = student.scheduled_latency(due, service)
    assert_equal(got, [30, 24, 18, 12, 6], what="a schedule that starts at 1,000 us, with a stall")
    assert_equal(student.scheduled_latency(due[:1], service[:1]), [30], what="a single request")


@check(
    "8.4",
    sentence="A recorded latency L stands for further ones of L - interval, L - 2 intervals and "
    "so on, as long as they are at least one interval.",
    weight=2,
)
def multiples_of_the_interval(student: Student, rng: np.random.Generator) -> None:
    for interval in (10, int(rng.integers(20, 90))):
        latencies = np.array([k * interval + d for k in (1, 2, 3, 5) for d in (-1, 0, 1)])
        got = student.corrected(latencies, interval)
        want = wanted_record(latencies, interval)
        assert_equal(got, want, what=f"latencies near multiples of the interval {interval}")


@check(
    "8.4",
    sentence="The corrected record holds the recorded latencies and the further ones, in "
    "ascending order.",
)
def long_records(student: Student, rng: np.random.Generator) -> None:
    latencies = rng.integers(1, 20, 300)
    latencies[rng.integers(300)] = int(rng.integers(500, 900))
    got = student.corrected(latencies, 25)
    assert_equal(got, wanted_record(latencies, 25), what="300 latencies with one long stall")
