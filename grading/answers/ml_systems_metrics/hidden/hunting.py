"""Hidden cases of exercise 8.6."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student, callback
from labs.seminar.ml_systems_metrics.checks.hunting import predictor, steps


@check(
    "8.6",
    sentence="A test row has leaked if a training row has the same numbers in the same order.",
    weight=2,
)
def leaks_of_every_size(student: Student, rng: np.random.Generator) -> None:
    for leaked in (0, 1, 7):
        test = rng.integers(0, 17, (20, 8)) / 16
        places = sorted(int(i) for i in rng.choice(20, leaked, replace=False))
        own = rng.integers(0, 17, (15, 8)) / 16 + 2
        train = rng.permutation(np.vstack([own, test[places], test[places]]))
        got = student.leaked_rows(train, test)
        assert_equal(got, places, what=f"{leaked} test rows among 15 training rows, twice each")


@check(
    "8.6",
    sentence="A test row has leaked if a training row has the same numbers in the same order.",
)
def rows_that_only_resemble(student: Student, rng: np.random.Generator) -> None:
    test = rng.permuted(np.tile(np.arange(6.0), (6, 1)), axis=1)
    train = np.vstack([test[0][::-1], test[1] + 1e-6, test[2], np.roll(test[3], 1)])
    want = [i for i in range(6) if any((test[i] == row).all() for row in train)]
    got = student.leaked_rows(train, test)
    assert_equal(got, want, what="rows with the same numbers in another order, or nearly the same")


@check(
    "8.6",
    sentence="'accumulated' if each update is minus the learning rate times the sum of all "
    "gradients so far.",
)
def accumulated(student: Student, rng: np.random.Generator) -> None:
    for story in ("accumulated", "none", "accumulated"):
        log = steps(rng, story)
        got = student.step_fault(log["gradients"], log["updates"], log["learning_rate"])
        assert_equal(got, story, what=f"the steps of a run whose story is {story!r}")


@check(
    "8.6",
    sentence="'rate' if the updates are all gradients times one other number, else 'other'.",
    weight=2,
)
def other_rates(student: Student, rng: np.random.Generator) -> None:
    for factor in (0.01, 1.5, 10.0, -1.0):
        log = steps(rng, "rate", factor=factor)
        got = student.step_fault(log["gradients"], log["updates"], log["learning_rate"])
        assert_equal(got, "rate", what=f"the steps of a run with {factor:g} times its rate")
    log = steps(rng, "other")
    got = student.step_fault(log["gradients"], log["updates"], log["learning_rate"])
    assert_equal(got, "other", what="steps along other directions")


@check(
    "8.6",
    sentence="A story fits if no number is off by more than a hundredth of the largest update.",
)
def one_number_off(student: Student, rng: np.random.Generator) -> None:
    for share, want in ((0.003, "none"), (0.2, "other")):
        log = steps(rng, "none")
        updates = log["updates"]
        place = tuple(int(rng.integers(n)) for n in updates.shape)
        # Towards zero, so that the largest update stays the largest.
        updates[place] -= np.sign(updates[place]) * share * np.abs(updates).max()
        got = student.step_fault(log["gradients"], updates, log["learning_rate"])
        assert_equal(got, want, what=f"steps with one number off by {share:g} of the largest")


@check(
    "8.6",
    sentence="True if any score differs by more than 0.001 when its row is predicted alone.",
    weight=2,
)
def moods(student: Student, rng: np.random.Generator) -> None:
    for mood, want in (("dropout", True), ("steady", False), ("statistics", True)):
        inputs = rng.normal(0, 1, (int(rng.integers(5, 12)), 5))
        got = student.depends_on_company(predictor(rng, mood), inputs)
        assert_equal(bool(got), want, what=f"whether a predictor with {mood} depends on company")


@check(
    "8.6",
    sentence="True if any score differs by more than 0.001 when its row is predicted alone.",
)
def a_single_row_differs(student: Student, rng: np.random.Generator) -> None:
    for row in (0, 4, 7):
        inputs = rng.normal(0, 1, (8, 3))
        odd = inputs[row]

        def predict(rows, odd=odd):
            scores = 100 * np.asarray(rows, dtype=np.float64) + 500
            is_odd = (np.asarray(rows) == odd).all(axis=1)
            scores[is_odd, 1] += 0.05 * (len(rows) > 1)
            return scores

        got = student.depends_on_company(callback(predict), inputs)
        assert_equal(bool(got), True, what=f"one score of row {row} that changes by 0.05")
