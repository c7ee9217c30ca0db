"""Hidden checks of exercise 1.13: the same sentences, other boards."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.mcu_compression.checks.boards import (
    Duty,
    assert_days,
    assert_range,
    assert_refused,
    assert_short,
)


def draw(rng: np.random.Generator, *, busy: tuple[float, float]) -> Duty:
    """Return a duty that is busy for such shares of the time."""
    per_s = float(rng.uniform(0.2, 20))
    sleep_w = np.sort(rng.uniform(1e-3, 9e-3, 2)).tolist()
    active_w = np.sort(rng.uniform(1e-2, 6e-2, 2)).tolist()
    energy_j = np.sort(rng.uniform(1e3, 3e4, 2)).tolist()
    latency = (1000 * busy[0] / per_s, 1000 * busy[1] / per_s)
    return Duty(tuple(energy_j), latency, per_s, tuple(active_w), tuple(sleep_w))


@check("1.13", sentence="Each memory that is too small has an entry: how many bytes are missing.")
def other_memories(student: Student, rng: np.random.Generator) -> None:
    for _ in range(6):
        names = ["flash", "RAM", "cache"][: int(rng.integers(1, 4))]
        needs = {name: int(rng.integers(1, 10**6)) for name in names}
        has = {name: int(rng.integers(1, 10**6)) for name in names}
        assert_short(student.short_of(needs, has), needs, has=has)
    needs = {"flash": int(rng.integers(10, 10**6)), "RAM": int(rng.integers(10, 10**6))}
    has = {name: size - 1 for name, size in needs.items()}
    assert_short(student.short_of(needs, has), needs, has=has)


@check("1.13", sentence="A memory that is just large enough has none.")
def just_enough(student: Student, rng: np.random.Generator) -> None:
    size = int(rng.integers(1, 10**6))
    needs = {"flash": size, "RAM": 500}
    for has in ({"flash": size, "RAM": 500}, {"flash": size, "RAM": 499}):
        assert_short(student.short_of(needs, has), needs, has=has)


@check("1.13", sentence="Both ends are cycles / clock_hz, in milliseconds.")
def other_clocks(student: Student, rng: np.random.Generator) -> None:
    for clock_hz in (1e6, 133e6, float(rng.uniform(1e6, 4e8))):
        low = int(rng.integers(10**5, 10**7))
        high = low + int(rng.integers(1, 10**7))
        want = (low * 1000 / clock_hz, high * 1000 / clock_hz)
        what = f"{low:,} to {high:,} cycles at {clock_hz:.4g} Hz [ms]"
        assert_range(student.latency_ms((low, high), clock_hz), want, what=what)


@check(
    "1.13",
    sentence="The mean power is active power times busy share plus sleep power times the rest.",
)
def without_ranges(student: Student, rng: np.random.Generator) -> None:
    for busy in (0.003, 0.3, 0.9):
        duty = draw(rng, busy=(busy, busy))
        ends = [(each[0], each[0]) for each in (duty.energy_j, duty.active_w, duty.sleep_w)]
        energy_j, active_w, sleep_w = ends
        point = Duty(energy_j, duty.latency_ms, duty.per_s, active_w, sleep_w)
        assert_days(student.battery_days(*point.arguments), point)


@check(
    "1.13",
    sentence="The fewest days have the least energy, the longest latency and the highest powers; "
    "the most days have the opposite of each.",
    weight=2,
)
def ranges(student: Student, rng: np.random.Generator) -> None:
    for busy in ((0.01, 0.02), (0.2, 0.7), (0.5, 0.9)):
        duty = draw(rng, busy=busy)
        assert_days(student.battery_days(*duty.arguments), duty)


@check("1.13", sentence="Asked 0 times a second, the board only sleeps.")
def only_asleep(student: Student, rng: np.random.Generator) -> None:
    duty = draw(rng, busy=(0.1, 0.2))
    asleep = Duty(duty.energy_j, duty.latency_ms, 0, duty.active_w, duty.sleep_w)
    assert_days(student.battery_days(*asleep.arguments), asleep)


@check(
    "1.13", sentence="A board whose busy share may exceed 1 cannot keep up: raise a `ValueError`."
)
def cannot_keep_up(student: Student, rng: np.random.Generator) -> None:
    for busy in ((0.9, 1.1), (1.5, 3.0)):
        assert_refused(student, draw(rng, busy=busy))


@check("1.13", sentence="One that is just busy all the time still keeps up.")
def never_asleep(student: Student, rng: np.random.Generator) -> None:
    duty = draw(rng, busy=(0.5, 0.9))
    busy = Duty(duty.energy_j, (62.5, 125.0), 8, duty.active_w, duty.sleep_w)
    assert_days(student.battery_days(*busy.arguments), busy)
