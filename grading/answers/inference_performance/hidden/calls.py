"""Hidden cases of exercise 6.4."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_performance.checks.calls import judge_cost, timed


@check(
    "6.4",
    sentence="The two numbers make the sum of squared relative errors smallest; a relative error "
    "is (told - time) / time.",
    weight=2,
)
def times_that_scatter(student: Student, rng: np.random.Generator) -> None:
    for spread in (0.05, 0.5):
        rows = 2 ** np.arange(11)
        cost_s = float(rng.uniform(10e-6, 90e-6)), float(rng.uniform(1e-6, 3e-6))
        times_s = timed(rng, rows, cost_s=cost_s, spread=spread)
        got = student.overhead_and_work(rows, times_s)
        what = f"1 to 1,024 rows, times off by up to {spread:.0%}"
        judge_cost(got, rows=rows, times_s=times_s, what=what)


@check(
    "6.4",
    sentence="The two numbers make the sum of squared relative errors smallest; a relative error "
    "is (told - time) / time.",
)
def sizes_that_repeat(student: Student, rng: np.random.Generator) -> None:
    rows = rng.permutation(np.repeat([1, 3, 10, 40], (1, 6, 2, 4)))
    times_s = timed(rng, rows, cost_s=(5e-6, 2e-6), spread=0.4)
    got = student.overhead_and_work(rows, times_s)
    judge_cost(got, rows=rows, times_s=times_s, what="13 calls, numbers of rows repeat")


@check("6.4", sentence="Nothing is cut off: either number may be negative.")
def negative_costs(student: Student, rng: np.random.Generator) -> None:
    rows = np.array([10, 20, 40, 80])
    for name, cost_s in (("overhead", (-4e-6, 1e-6)), ("work", (90e-6, -1e-6))):
        times_s = timed(rng, rows, cost_s=cost_s, spread=0.01)
        got = student.overhead_and_work(rows, times_s)
        judge_cost(got, rows=rows, times_s=times_s, what=f"times with a negative {name}")


@check("6.4", sentence="A call with n rows is told to take overhead + n * work.")
def other_scales(student: Student, rng: np.random.Generator) -> None:
    for cost_s in ((3e-9, 2e-9), (20.0, 0.5), (1e-3, 2e-7)):
        rows = rng.permutation([1, 2, 7, 30, 200])
        times_s = timed(rng, rows, cost_s=cost_s, spread=0.2)
        got = student.overhead_and_work(rows, times_s)
        what = f"calls of some {times_s.min():.0e} to {times_s.max():.0e} s"
        judge_cost(got, rows=rows, times_s=times_s, what=what)


@check("6.4", sentence="A call with n rows is told to take overhead + n * work.")
def exact_lines(student: Student, rng: np.random.Generator) -> None:
    for rows in (np.array([64, 2]), np.arange(1, 30)):
        times_s = timed(rng, rows, cost_s=(float(rng.uniform(1e-5, 1e-4)), 3e-6), spread=0.0)
        got = student.overhead_and_work(rows, times_s)
        judge_cost(got, rows=rows, times_s=times_s, what=f"{len(rows)} calls on a line")
