"""The open checks of exercise 8.6: leaked rows, steps that do not add up, moody predictions."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student, callback

STORIES = ("none", "accumulated", "rate", "other")


def steps(rng: np.random.Generator, story: str, *, factor: float = 100.0) -> dict[str, Any]:
    """Return gradients, updates and learning rate of a run in which `story` happened."""
    shape = (int(rng.integers(4, 9)), int(rng.integers(20, 40)))
    gradients = rng.normal(0, 1, shape) + 0.3
    rate = float(rng.choice([0.5, 0.1, 0.02]))
    updates = {
        "none": -rate * gradients,
        "accumulated": -rate * np.array([gradients[: i + 1].sum(axis=0) for i in range(shape[0])]),
        "rate": -factor * rate * gradients,
        "other": -rate * rng.permutation(gradients, axis=1),
    }[story]
    # Float32 weights of size 1 round an update to 2^-24, far below a hundredth of it.
    rounded = updates + rng.uniform(-6e-8, 6e-8, shape)
    return {"gradients": gradients, "updates": rounded, "learning_rate": rate}


def predictor(rng: np.random.Generator, mood: str, *, classes: int = 4, features: int = 5) -> Any:
    """Return a callback that predicts: ``steady``, or by ``dropout`` or batch ``statistics``."""
    weights = rng.normal(0, 1, (features, classes))

    def predict(rows: Any) -> Any:
        inputs = np.asarray(rows, dtype=np.float64)
        assert inputs.ndim == 2, "predict takes rows: an array (rows, features)"
        if mood == "dropout":
            inputs = inputs * (rng.random(inputs.shape) > 0.5) * 2
        if mood == "statistics":
            inputs = inputs - inputs.mean(axis=0)
        scores = inputs @ weights
        return scores + rng.uniform(-1e-7, 1e-7, scores.shape)  # rounding of another batch size

    return callback(predict)


@check(
    "8.6",
    sentence="A test row has leaked if a training row has the same numbers in the same order.",
)
def two_leaked_rows(student: Student, rng: np.random.Generator) -> None:
    """Hide the second and the fourth of five test rows among the training rows."""
    test = rng.integers(0, 17, (5, 6)) / 16
    train = np.vstack([rng.integers(0, 17, (4, 6)) / 16 + 2, test[3], test[1], test[0][::-1] + 1])
    got = student.leaked_rows(train, test)
    assert_equal(got, [1, 3], what="test rows 1 and 3 are among the training rows")


@check(
    "8.6",
    sentence="'none' if each update is minus the learning rate times the step's own gradient.",
)
def four_stories(student: Student, rng: np.random.Generator) -> None:
    """Tell a right run from three that are not."""
    rows = []
    for story in STORIES:
        log = steps(rng, story)
        got = student.step_fault(log["gradients"], log["updates"], log["learning_rate"])
        rows.append({"what happened": story, "yours": got})
    evidence.table(rows)
    for row in rows:
        assert_equal(row["yours"], row["what happened"], what="the story of a run's steps")


@check(
    "8.6",
    sentence="True if any score differs by more than 0.001 when its row is predicted alone.",
)
def batch_statistics(student: Student, rng: np.random.Generator) -> None:
    """Ask two predictors: one is steady, the other subtracts the mean of its batch."""
    for mood, want in (("steady", False), ("statistics", True)):
        inputs = rng.normal(0, 1, (6, 5))
        got = student.depends_on_company(predictor(rng, mood), inputs)
        assert_equal(bool(got), want, what=f"whether a {mood} predictor depends on company")
