"""Hidden cases of exercise 8.2."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.ml_systems_metrics.checks.levels import judge_levels, staircase


def _judge(
    student: Student, sizes: np.ndarray, latencies: np.ndarray, *, rise: float, what: str
) -> None:
    got = student.find_levels(sizes, latencies, rise)
    judge_levels(got, sizes=sizes, latencies=latencies, rise=rise, what=what)


@check(
    "8.2",
    sentence="A step to the next size is a climb if it multiplies the latency by more than `rise`.",
)
def staircases_of_many_lengths(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        lengths = [int(n) for n in rng.integers(3, 9, int(rng.integers(1, 6)))]
        sizes, latencies = staircase(rng, lengths=lengths, spread=0.3)
        rise = float(rng.uniform(1.6, 2.0))
        _judge(student, sizes, latencies, rise=rise, what=f"{len(lengths)} plateaus")


@check(
    "8.2",
    sentence="A step to the next size is a climb if it multiplies the latency by more than `rise`.",
)
def steps_of_exactly_the_rise(student: Student, rng: np.random.Generator) -> None:
    # Powers of two: the products are exact.
    latencies = np.repeat([1.0, 2.0, 8.0], [4, 3, 5])
    sizes = 4096 * np.arange(1, 13)
    _judge(student, sizes, latencies, rise=2.0, what="a step by exactly the rise")
    gentle = np.array([1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 9.0, 9.0, 9.0])
    _judge(student, sizes[:9], gentle, rise=2.0, what="a gentle slope")


@check(
    "8.2",
    sentence="Noise only ever adds time: replace each latency by the smallest at this or any "
    "larger size.",
    weight=2,
)
def noise_in_several_places(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        sizes, latencies = staircase(rng, lengths=(5, 6, 7))
        spoilt = latencies.copy()
        for place in (0, 3, int(rng.integers(6, 10)), 13):
            spoilt[place] *= float(rng.uniform(2, 6))
        _judge(student, sizes, spoilt, rise=1.5, what="a disturbed curve")


@check(
    "8.2",
    sentence="Climbs cut the sizes into plateaus; a plateau of at least 3 sizes is a level, a "
    "shorter one is left out.",
    weight=2,
)
def short_plateaus(student: Student, rng: np.random.Generator) -> None:
    for lengths in ((2, 3, 1, 4, 2), (3, 2, 3), (1, 1, 1, 1), (2, 2)):
        sizes, latencies = staircase(rng, lengths=lengths)
        _judge(student, sizes, latencies, rise=1.5, what=f"plateaus of {lengths} sizes")


@check(
    "8.2",
    sentence="A level's capacity is its largest size, its latency the median of its cleaned "
    "latencies; levels are listed from the smallest size up.",
)
def medians_that_are_not_means(student: Student, rng: np.random.Generator) -> None:
    latencies = np.sort(np.concatenate([[1.0, 1.01, 1.02, 1.4], [5.0, 5.1, 5.9, 6.2, 6.3]]))
    sizes = np.cumsum(rng.integers(1, 9, 9)) * 1024
    _judge(student, sizes, latencies, rise=1.5, what="skewed plateaus")
