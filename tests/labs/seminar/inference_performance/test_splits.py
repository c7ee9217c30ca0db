"""Codes, quantised forests and the bounds that hold for them."""

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from labs.seminar.inference_performance import splits, trees
from labs.seminar.inference_performance.checks.forest_bounds import wanted_bounds
from labs.seminar.inference_performance.given import score_bounds

SEEDS = st.integers(0, 10_000)


def fitted(rng, *, is_whole: bool, depth: int | None = 4):
    """A forest and rows that it never saw, some of them equal to a threshold."""
    draw = (lambda *n: rng.integers(0, 17, n)) if is_whole else (lambda *n: rng.normal(0, 5, n))
    train = draw(40, 4).astype(np.float32)
    forest = RandomForestClassifier(5, max_depth=depth, random_state=int(rng.integers(99)))
    forest.fit(train, rng.integers(0, 3, 40))
    rows = draw(15, 4).astype(np.float32)
    plain = trees.from_sklearn(forest)
    root = plain[0]
    rows[0, root["feature"][0]] = root["threshold"][0]
    return forest, plain, rows


@examples(seed=SEEDS, step=st.sampled_from([0.3, 0.5, 1.0, 2.0, 7.0]), is_whole=st.booleans())
@settings(max_examples=30, deadline=None)
def test_both_forests_stay_within_the_bounds(seed, step, is_whole):
    rng = np.random.default_rng(seed)
    forest, plain, rows = fitted(rng, is_whole=is_whole)
    small, codes = splits.with_splits(plain, step), splits.codes_of(rows, step)
    low, high = splits.bounded_scores(small, codes, score_bounds=score_bounds)
    before, after = trees.scores(plain, rows), splits.quantized_scores(small, codes)
    assert (before == forest.predict_proba(rows)).all()
    # No tolerance: rounding never turns sums around whose parts are in order.
    for scores in (before, after):
        assert (low <= scores).all()
        assert (scores <= high).all()
    sure = splits.certified(low, high, classes=before.argmax(axis=1))
    assert (before.argmax(axis=1) == after.argmax(axis=1))[sure].all()
    summed = np.sum([[wanted_bounds(tree, row) for row in codes] for tree in small], axis=0)
    assert low == pytest.approx(summed[:, 0] / len(small), abs=1e-12)
    assert high == pytest.approx(summed[:, 1] / len(small), abs=1e-12)


@examples(seed=SEEDS, step=st.sampled_from([0.5, 1.5, 4.0]))
@settings(max_examples=15, deadline=None)
def test_quantised_scores_by_the_plainest_walk(seed, step):
    _, plain, rows = fitted(np.random.default_rng(seed), is_whole=False)
    small, codes = splits.with_splits(plain, step), splits.codes_of(rows, step)
    want = np.zeros((len(rows), 3))
    for tree in small:
        for place, row in enumerate(codes):
            node = 0
            while tree["feature"][node] >= 0:
                goes_left = row[tree["feature"][node]] <= tree["split"][node]
                node = tree["left" if goes_left else "right"][node]
            want[place] += tree["values"][node]
    assert (splits.quantized_scores(small, codes) == want / len(small)).all()


@examples(seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_nothing_is_lost_on_whole_numbers(seed):
    """At a step of 1 no answer changes; at a step of 1/2 the bounds know it."""
    forest, plain, rows = fitted(np.random.default_rng(seed), is_whole=True, depth=None)
    rows = np.floor(rows)
    before = forest.predict_proba(rows)
    halves = splits.halfway(plain)
    inner = [tree["threshold"][tree["feature"] >= 0] for tree in halves]
    assert (np.concatenate(inner) % 1 == 0.5).all()
    assert (trees.scores(halves, rows) == before).all()
    for bits in (4, 5):
        step = splits.step_of(bits, 16)
        small, codes = splits.with_splits(halves, step), splits.codes_of(rows, step)
        assert (splits.quantized_scores(small, codes) == before).all()
        if bits == 5:
            low, high = splits.bounded_scores(small, codes, score_bounds=score_bounds)
            assert (low == before).all()
            assert (high == before).all()
            assert splits.certified(low, high, classes=before.argmax(axis=1)).all()


def test_a_certified_class_may_tie_with_those_after_it():
    low = np.array([[0.2, 0.5, 0.1], [0.2, 0.5, 0.1], [0.2, 0.5, 0.1]])
    high = np.array([[0.4, 0.6, 0.5], [0.5, 0.6, 0.4], [0.4, 0.9, 0.4]])
    assert splits.certified(low, high, classes=np.array([1, 1, 1])).tolist() == [True, False, True]


@examples(
    numbers=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6),
    step=st.floats(1e-3, 1e3),
)
@settings(max_examples=100, deadline=None)
def test_codes_never_fall(numbers, step):
    codes = splits.codes_of(sorted(numbers), step)
    assert (np.diff(codes) >= 0).all()


def test_values_out_of_range_are_named():
    with pytest.raises(ValueError, match="bits is 0"):
        splits.step_of(0, 16)
    with pytest.raises(ValueError, match="largest is 0"):
        splits.step_of(3, 0)
    for step in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="step is"):
            splits.codes_of([1], step)
    for number in (float("nan"), float("inf"), 1e300):
        with pytest.raises(ValueError, match="not finite, or too large"):
            splits.codes_of([number], 1.0)
    plain = fitted(np.random.default_rng(0), is_whole=True)[1]
    plain[0]["threshold"][0] = 2.0**60
    with pytest.raises(ValueError, match="there are no halves"):
        splits.halfway(plain)


def test_the_forest_stays_as_it_was():
    plain = fitted(np.random.default_rng(1), is_whole=True)[1]
    before = [tree["threshold"].copy() for tree in plain]
    splits.halfway(plain)
    small = splits.with_splits(plain, 2.0)
    splits.quantized_scores(small, np.zeros((2, 4), dtype=np.int64))
    assert all((a == t["threshold"]).all() for a, t in zip(before, plain, strict=True))
    assert all("split" not in tree for tree in plain)
