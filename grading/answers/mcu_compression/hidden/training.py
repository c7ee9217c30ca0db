"""The hidden checks of exercise 1.4: the same sentences, other clips and speakers."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student


@check("1.4", sentence="Row i, column j counts the clips of class i that were taken for class j.")
def many_clips(student: Student, rng: np.random.Generator) -> None:
    labels, predictions = rng.integers(5, size=(2, 200))
    want = [[int(((labels == i) & (predictions == j)).sum()) for j in range(5)] for i in range(5)]
    got = student.confusion(labels, predictions, 5)
    assert_equal(got, want, what="confusion of 200 clips of 5 classes")


@check("1.4", sentence="Classes that never occur have a row and a column of zeros.")
def classes_that_never_occur(student: Student, rng: np.random.Generator) -> None:
    labels, predictions = np.array([1, 1, 3]), np.array([1, 3, 1])
    want = np.zeros((6, 6), dtype=int)
    want[1, 1], want[1, 3], want[3, 1] = 1, 1, 1
    got = student.confusion(labels, predictions, 6)
    assert np.shape(got) == (6, 6), f"6 classes make 6 rows and columns, you have {np.shape(got)}"
    assert_equal(got, want, what="confusion with classes that never occur")


@check("1.4", sentence="The counts are whole numbers.")
def counts_are_whole_numbers(student: Student, rng: np.random.Generator) -> None:
    labels, predictions = rng.integers(3, size=(2, 40))
    got = np.asarray(student.confusion(labels, predictions, 3))
    assert got.dtype.kind in "iu", f"counts are whole numbers; yours are {got.dtype}"
    assert_equal(got.sum(), 40, what="the sum of all counts of 40 clips")


def _speakers(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw 8 speakers with 1 to 9 clips each, in mixed order, and who was understood."""
    speakers = rng.permutation(np.repeat(np.arange(8), rng.integers(1, 10, size=8)))
    right = rng.random(len(speakers)) < 0.2 + 0.1 * speakers
    return right, speakers


@check("1.4", sentence="Each clip of a drawn speaker counts, as often as the speaker is drawn.")
def speakers_drawn_again_and_again(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        right, speakers = _speakers(rng)
        drawn = rng.integers(8, size=8)
        hits = [right[k] for s in drawn for k in range(len(speakers)) if speakers[k] == s]
        got = student.top1_of_speakers(right, speakers, drawn)
        what = f"top-1 of the speakers drawn as {drawn.tolist()}"
        assert_equal(got, sum(hits) / len(hits), what=what, relative=1e-6)


@check("1.4", sentence="The accuracy is the share of right clips among all clips that count.")
def a_speaker_with_more_clips_weighs_more(student: Student, rng: np.random.Generator) -> None:
    many = int(rng.integers(6, 12))
    right = np.array([True] * many + [False])
    got = student.top1_of_speakers(right, np.array([4] * many + [9]), np.array([9, 4]))
    assert_equal(
        got,
        many / (many + 1),
        what=f"one speaker with {many} right clips, one with 1 wrong",
        relative=1e-6,
    )


@check("1.4", sentence="Who is not drawn does not count.")
def only_one_is_drawn(student: Student, rng: np.random.Generator) -> None:
    right, speakers = _speakers(rng)
    for speaker in range(8):
        want = float(right[speakers == speaker].mean())
        got = student.top1_of_speakers(right, speakers, np.array([speaker, speaker]))
        assert_equal(got, want, what=f"top-1 when only speaker {speaker} is drawn", relative=1e-6)
