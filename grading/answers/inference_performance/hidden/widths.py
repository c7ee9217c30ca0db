"""Hidden cases of exercise 6.9."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_performance.checks.widths import judge_bits, wanted_range


def _judge(student: Student, weights: np.ndarray, biases: np.ndarray, *, what: str) -> None:
    got = student.accumulator_bits(weights, biases)
    judge_bits(got, weights=weights, biases=biases, what=what)


@check(
    "6.9",
    sentence="b bits hold the whole numbers from -2^(b-1) to 2^(b-1) - 1; the smallest width is 1.",
    weight=2,
)
def ends_of_a_width(student: Student, rng: np.random.Generator) -> None:
    for half in (8, 64, 1024, 2 ** int(rng.integers(12, 20))):
        weights = rng.integers(-1, 2, (1, int(rng.integers(1, 5))))
        low, high = wanted_range(weights, [0])
        for bias in (half - 1 - high, half - high, -half - low, -half - 1 - low):
            _judge(student, weights, np.array([bias]), what=f"a sum near {half} in magnitude")


@check(
    "6.9",
    sentence="b bits hold the whole numbers from -2^(b-1) to 2^(b-1) - 1; the smallest width is 1.",
)
def outputs_of_one_sign(student: Student, rng: np.random.Generator) -> None:
    for bias in (-1, -2, -3, -4, -128, -129, 127, 128, 1, 2, -int(rng.integers(5, 5000))):
        _judge(student, np.zeros((1, 4), dtype=int), np.array([bias]), what=f"always {bias}")
    weights = rng.integers(-8, 8, (3, 10))
    for bias in (-5000, 5000):
        _judge(student, weights, np.full(3, bias), what=f"3 outputs about {bias}")


@check(
    "6.9",
    sentence="Every input is a whole number from -8 to 7, whatever the others are.",
)
def one_weight(student: Student, rng: np.random.Generator) -> None:
    for weight in (1, -1, 2, -2, 4, -4, 8, -8, 16, -16, int(rng.integers(17, 1000))):
        _judge(student, np.array([[weight]]), np.array([0]), what=f"one weight of {weight}")


@check("6.9", sentence="Every input is a whole number from -8 to 7, whatever the others are.")
def weights_of_one_sign(student: Student, rng: np.random.Generator) -> None:
    for sign in (1, -1):
        for inputs in (2, 16, 64):
            weights = sign * rng.integers(1, 9, (2, inputs))
            what = f"{inputs} weights that are all {'positive' if sign > 0 else 'negative'}"
            _judge(student, weights, np.zeros(2, dtype=int), what=what)


@check(
    "6.9",
    sentence="Each output is its bias plus the sum of weight times input; all "
    "outputs share one width.",
)
def small_types(student: Student, rng: np.random.Generator) -> None:
    for outputs, inputs in ((10, 64), (3, 40), (1, 7)):
        weights = rng.integers(-128, 128, (outputs, inputs)).astype(np.int8)
        biases = rng.integers(-2000, 2000, outputs).astype(np.int16)
        _judge(student, weights, biases, what=f"{outputs} x {inputs} weights in int8")


@check(
    "6.9",
    sentence="Return the fewest bits that hold every output for all inputs.",
)
def large_sums(student: Student, rng: np.random.Generator) -> None:
    for exponent in (31, 34, 38):
        weights = rng.integers(-(2**exponent), 2**exponent, (2, 5))
        _judge(student, weights, rng.integers(-9, 9, 2), what="sums beyond 32 bits")


@check(
    "6.9",
    sentence="Each output is its bias plus the sum of weight times input; all "
    "outputs share one width.",
    weight=2,
)
def few_wide_outputs(student: Student, rng: np.random.Generator) -> None:
    for place in range(4):
        weights, biases = rng.integers(-1, 2, (4, 6)), rng.integers(-3, 4, 4)
        biases[place] = int(rng.choice([-700, 700]))
        weights[(place + 2) % 4] *= int(rng.integers(9, 14))
        _judge(student, weights, biases, what="outputs of different widths")
    # One output is low, another high: together they span more than either.
    weights = np.array([[8] * 9, [-1] * 9])
    for biases in ([600, -900], [-600, 900], [0, 0]):
        _judge(student, weights, np.array(biases), what="one output low, one high")
