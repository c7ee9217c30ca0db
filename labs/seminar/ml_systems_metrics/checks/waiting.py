"""The open checks of exercise 8.4: a stall that three requests feel, and a record that felt one."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student


def wanted_latencies(due_us: Any, service_us: Any) -> list[int]:
    """Return the latencies by playing the queue microsecond-exactly, one event after another."""
    clock, waited = None, []
    for due, service in zip((int(x) for x in due_us), (int(x) for x in service_us), strict=True):
        start = due if clock is None or clock < due else clock
        clock = start + service
        waited.append(clock - due)
    return waited


def wanted_record(latencies_us: Any, interval_us: int) -> list[int]:
    """Return the corrected record as HdrHistogram's recordValueWithExpectedInterval makes it."""
    record = []
    for latency in (int(x) for x in latencies_us):
        record.append(latency)
        missing = latency - interval_us
        while missing >= interval_us:
            record.append(missing)
            missing -= interval_us
    return sorted(record)


@check(
    "8.4",
    sentence="A request starts when it is due, or when the one before is done, whichever is later.",
)
def one_stall(student: Student, rng: np.random.Generator) -> None:
    """Let the second of six requests stall: due every 10, it takes 35 and delays three others."""
    due, service = np.arange(6) * 10, np.array([2, 35, 2, 2, 2, 2])
    got = student.scheduled_latency(due, service)
    wanted = wanted_latencies(due, service)
    given = list(got) if isinstance(got, list | tuple | np.ndarray) else [got]
    evidence.table(
        [
            {"due": int(d), "service": int(s), "latency": w, "yours": g}
            for d, s, w, g in zip(due, service, wanted, given, strict=False)
        ]
    )
    assert_equal(got, wanted, what="latencies of six requests, due every 10 us, one stalls for 35")


@check(
    "8.4",
    sentence="A recorded latency L stands for further ones of L - interval, L - 2 "
    "intervals and so on, as long as they are at least one interval.",
)
def one_long_record(student: Student, rng: np.random.Generator) -> None:
    """Fill in behind a latency of 35 at an interval of 10: 25 and 15, and no 5."""
    got = student.corrected(np.array([2, 35, 3]), 10)
    assert_equal(
        got, [2, 3, 15, 25, 35], what="the record 2, 35, 3 corrected for an interval of 10"
    )


def busy_period(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return due and service times of a queue that is busy and idle by turns."""
    due = int(rng.integers(5, 50)) + np.cumsum(rng.integers(0, 40, count))
    service = rng.integers(1, 20, count)
    service[rng.integers(1, count - 1, 2)] += 150
    return due, service
