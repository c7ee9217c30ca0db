"""The hidden checks of exercise 2.5: the same sentences, other GPUs and longer runs."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.checks.precision import judge_choice, judge_steps, steps_of


@check(
    "2.5",
    sentence="With compute capability 8.0 or above it is `bfloat16` without scaling, below it is "
    "`float16` with scaling, and without a GPU `float32` without.",
)
def more_gpus(student: Student, rng: np.random.Generator) -> None:
    for capability in ((8, 6), (9, 0), (10, 0), (12, 1)):
        judge_choice(student, capability, want=("bfloat16", False))
    for capability in ((6, 1), (7, 0), (7, 9)):
        judge_choice(student, capability, want=("float16", True))
    judge_choice(student, None, want=("float32", False))


@check(
    "2.5",
    sentence="If all gradients are finite, they come back divided by `scale`, and `good_steps` "
    "grows by 1.",
)
def many_gradients(student: Student, rng: np.random.Generator) -> None:
    step = [rng.normal(0, 1e3, shape).astype(np.float32) for shape in ((3,), (2, 4), (1, 1, 5))]
    judge_steps(student, [step, step], scale=2.0**16, growth_interval=2000)


@check(
    "2.5",
    sentence="If any is infinite or NaN, the step is skipped: None comes back, the scale halves, "
    "and `good_steps` starts at 0.",
)
def kinds_of_infinity(student: Student, rng: np.random.Generator) -> None:
    judge_steps(student, steps_of("ggimngn"), scale=2.0**12, growth_interval=9)
    judge_steps(student, steps_of("igmg"), scale=1.0, growth_interval=9)


@check(
    "2.5",
    sentence="When `good_steps` reaches `growth_interval`, the scale doubles and `good_steps` "
    "starts at 0.",
)
def a_scale_that_grows(student: Student, rng: np.random.Generator) -> None:
    judge_steps(student, steps_of("gggggiggggg"), scale=0.5, growth_interval=2)
    judge_steps(student, steps_of("ggigg"), scale=8.0, growth_interval=1)
