"""Right and wrong answers, counted by class and by speaker."""

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student


@check("1.4", sentence="Row i, column j counts the clips of class i that were taken for class j.")
def six_clips(student: Student, rng: np.random.Generator) -> None:
    """Take six clips of three classes: two of class 0 are taken for class 2."""
    labels, predictions = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 2, 2, 1, 1, 1])
    by_hand = np.array([[1, 0, 2], [0, 2, 0], [0, 1, 0]])
    got = np.asarray(student.confusion(labels, predictions, 3))
    evidence.table(
        [
            {"true class": i, "taken for 0, 1, 2": by_hand[i].tolist(), "yours": row}
            for i, row in enumerate(got.tolist() if got.shape == (3, 3) else [got.tolist()] * 3)
        ]
    )
    transposed = got.shape == (3, 3) and bool((got == by_hand.T).all())
    assert not transposed, "true classes are the rows; yours has them as columns"
    assert_equal(got, by_hand, what="confusion of six clips")


@check("1.4", sentence="Each clip of a drawn speaker counts, as often as the speaker is drawn.")
def three_speakers(student: Student, rng: np.random.Generator) -> None:
    """Draw from three speakers with 3, 2 and 1 clips, of which 3, 1 and 0 are right."""
    right = np.array([True, True, True, True, False, False])
    speakers = np.array([0, 0, 0, 1, 1, 2])
    rows = []
    for drawn, by_hand in (([0, 1, 2], 4 / 6), ([0, 0, 2], 6 / 7), ([1, 2, 2], 1 / 4)):
        got = student.top1_of_speakers(right, speakers, np.array(drawn))
        rows.append({"drawn": drawn, "by hand": round(by_hand, 4), "yours": got, "want": by_hand})
    evidence.table([{key: row[key] for key in ("drawn", "by hand", "yours")} for row in rows])
    for row in rows:
        # One division: two roundings of float64 at most, or float32 by those who use it.
        what = f"top-1 of the speakers drawn as {row['drawn']}"
        assert_equal(row["yours"], row["want"], what=what, relative=1e-6)
