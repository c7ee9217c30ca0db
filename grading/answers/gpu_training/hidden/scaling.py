"""The hidden checks of exercise 2.11: the same sentences, other numbers."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.gpu_training.checks.scaling import ROUNDING, judge_amdahl, judge_speedup


@check(
    "2.11",
    sentence="The first entry is the reference: the speed-up is its time over each time, the "
    "efficiency is the speed-up over how many times as many ranks.",
)
def reference_of_eight_ranks(student: Student, rng: np.random.Generator) -> None:
    for ranks in ([8, 16, 64, 1024], [4, 2, 1], [3]):
        times = rng.uniform(0.5, 20, len(ranks)).tolist()
        judge_speedup(student.speedup_and_efficiency(ranks, times), ranks=ranks, times=times)


@check(
    "2.11",
    sentence="`one_rank_s` and `serial_share`, T and s of Amdahl's law, make the sum of squared "
    "relative errors the least.",
)
def amdahl_with_noise(student: Student, rng: np.random.Generator) -> None:
    for one_rank_s, serial_share in ((0.03, 0.02), (700.0, 0.3), (5.0, 0.0)):
        ranks = [1, 2, 4, 8, 16, 64]
        exact = [one_rank_s * (serial_share + (1 - serial_share) / n) for n in ranks]
        times = (np.array(exact) * rng.uniform(0.95, 1.05, len(ranks))).tolist()
        judge_amdahl(student.amdahl_fit(ranks, times), ranks=ranks, times=times)


@check("2.11", sentence="One rank need not be among the points.")
def amdahl_from_four_ranks(student: Student, rng: np.random.Generator) -> None:
    ranks = [32, 4, 8, 12, 128]
    times = [3 * (0.05 + 0.95 / n) * float(rng.uniform(0.97, 1.03)) for n in ranks]
    judge_amdahl(student.amdahl_fit(ranks, times), ranks=ranks, times=times)


@check(
    "2.11",
    sentence="The learning rate rises evenly, from `base` at step 0 to `factor * base` at step "
    "`warmup_steps`, and stays there.",
)
def other_warm_ups(student: Student, rng: np.random.Generator) -> None:
    for base, factor, warmup_steps in ((0.1, 32, 100), (0.02, 0.5, 7), (3e-4, 1, 5)):
        for step in (0, 1, warmup_steps - 1, warmup_steps, 10 * warmup_steps):
            want = base * (1 + (factor - 1) * min(step / warmup_steps, 1))
            got = student.scaled_learning_rate(base, factor, step, warmup_steps)
            what = f"step {step} of {warmup_steps}, {base:g} times {factor:g}"
            assert_equal(got, want, what=what, relative=ROUNDING)


@check("2.11", sentence="With 0 steps of warm-up it is `factor * base` from the start.")
def no_warm_up(student: Student, rng: np.random.Generator) -> None:
    for step in (0, 1, 50):
        got = student.scaled_learning_rate(0.1, 8, step, 0)
        assert_equal(got, 0.8, what=f"step {step} without warm-up", relative=ROUNDING)
