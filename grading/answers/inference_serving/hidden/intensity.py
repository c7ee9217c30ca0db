"""The hidden checks of exercise 7.3: the same sentences, other networks and steps."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_serving.checks.intensity import judge


def _draw(rng: np.random.Generator) -> dict[str, int]:
    parameters, layers, width = (int(n) for n in rng.integers((1000, 2, 3), (9000, 9, 40)))
    return {"parameters": parameters, "layers": layers, "width": width}


@check("7.3", sentence="Each new token costs 2 operations a parameter.")
def prompts(student: Student, rng: np.random.Generator) -> None:
    for new in (1, 2, 31):
        judge(student, _draw(rng), batch=1, new=new, cached=0, number_bytes=2)


@check(
    "7.3",
    sentence="Each pair of a new token and a token that it sees costs 4 x layers x width "
    "operations; a new token sees all cached ones, the new ones before it, and itself.",
)
def prompts_in_parts(student: Student, rng: np.random.Generator) -> None:
    for new, cached in ((2, 1), (5, 5), (16, 40), (1, 77)):
        judge(student, _draw(rng), batch=1, new=new, cached=cached, number_bytes=1)


@check("7.3", sentence="The weights move once a step, however many sequences there are.")
def batches(student: Student, rng: np.random.Generator) -> None:
    for batch in (2, 7, 16):
        judge(
            student, _draw(rng), batch=batch, new=1, cached=int(rng.integers(1, 99)), number_bytes=2
        )


@check(
    "7.3",
    sentence="Keys and values of all tokens, cached and new, move once: 2 x layers x width "
    "numbers a token.",
)
def all_at_once(student: Student, rng: np.random.Generator) -> None:
    for number_bytes in (1, 2, 4):
        batch, new, cached = (int(n) for n in rng.integers(2, 20, 3))
        model = _draw(rng)
        how = {"batch": batch, "new": new, "cached": cached}
        judge(student, model, **how, number_bytes=number_bytes)
