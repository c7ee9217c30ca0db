"""Robust averages against brute force, Flower's own, and the bounds that are proved for them."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labs.federated_learning import given as stand_ins
from labs.federated_learning import robust
from labs.federated_learning.loop import Return

BOTH = pytest.mark.parametrize("source", [robust, stand_ins], ids=["ours", "given"])
WHOLE = st.integers(-50, 50).map(float)


@st.composite
def clouds(draw, fewest=1):
    """Whole numbers, so that no answer hangs on rounding."""
    clients = draw(st.integers(fewest, 12))
    return draw(arrays(np.float64, (clients, draw(st.integers(1, 4))), elements=WHOLE))


def brute_krum(updates, byzantine):
    """Krum in exact arithmetic of Python's whole numbers."""
    rows = [[int(x) for x in row] for row in updates]
    scores = []
    for i, own in enumerate(rows):
        squared = [
            sum((a - b) ** 2 for a, b in zip(own, other, strict=True))
            for j, other in enumerate(rows)
            if i != j
        ]
        scores.append(sum(sorted(squared)[: len(rows) - byzantine - 2]))
    return scores.index(min(scores))


@BOTH
@given(updates=clouds())
def test_median_is_numpys(source, updates):
    assert np.array_equal(source.coordinate_median(updates), np.median(updates, axis=0))


@BOTH
@given(updates=clouds(), data=st.data())
def test_trimmed_mean_drops_the_ends(source, updates, data):
    trim = data.draw(st.integers(0, (len(updates) - 1) // 2))
    want = [
        sum(sorted(column)[trim : len(column) - trim]) / (len(column) - 2 * trim)
        for column in updates.T.tolist()
    ]
    assert source.trimmed_mean(updates, trim) == pytest.approx(want, rel=1e-12, abs=1e-12)


@BOTH
@given(updates=clouds(fewest=3), data=st.data())
def test_krum_is_the_brute_force_one(source, updates, data):
    byzantine = data.draw(st.integers(0, (len(updates) - 3) // 2))
    assert source.krum(updates, byzantine) == brute_krum(updates, byzantine)


@BOTH
@given(updates=clouds(fewest=5), far=st.floats(1e6, 1e100), data=st.data())
def test_far_updates_move_nothing_far(source, updates, far, data):
    wrong = data.draw(st.integers(1, (len(updates) - 3) // 2))
    signs = data.draw(arrays(np.float64, (wrong, 1), elements=st.sampled_from([-1.0, 1.0])))
    right = updates[wrong:]
    updates = np.concatenate([signs * far + np.zeros((wrong, updates.shape[1])), right])
    low, high = right.min(axis=0) - 1e-9, right.max(axis=0) + 1e-9
    median = source.coordinate_median(updates)
    trimmed = source.trimmed_mean(updates, wrong)
    assert ((low <= median) & (median <= high)).all()
    assert ((low <= trimmed) & (trimmed <= high)).all()
    assert source.krum(updates, wrong) >= wrong


def test_one_more_than_half_moves_the_median():
    updates = np.array([[0.0], [1.0], [1e9], [1e9], [1e9]])
    assert robust.coordinate_median(updates) == 1e9


@BOTH
@given(updates=clouds(fewest=3), order=st.randoms())
def test_order_does_not_count(source, updates, order):
    places = list(range(len(updates)))
    order.shuffle(places)
    moved = updates[places]
    assert np.array_equal(source.coordinate_median(moved), source.coordinate_median(updates))
    trim = (len(updates) - 1) // 2
    assert source.trimmed_mean(moved, trim) == pytest.approx(source.trimmed_mean(updates, trim))
    scores = robust.krum_scores(updates, 0)
    assert robust.krum_scores(moved, 0) == pytest.approx(scores[places])


@BOTH
@pytest.mark.parametrize(("clients", "trim"), [(4, 2), (4, -1), (1, 1), (5, 3)])
def test_trim_that_leaves_nothing(source, clients, trim):
    with pytest.raises(ValueError, match=f"trim is {trim} of {clients} updates"):
        source.trimmed_mean(np.zeros((clients, 2)), trim)


@BOTH
@pytest.mark.parametrize(("clients", "byzantine"), [(2, 0), (4, 1), (6, 2), (9, -1)])
def test_too_few_updates_for_krum(source, clients, byzantine):
    with pytest.raises(ValueError, match=f"{clients} updates"):
        source.krum(np.zeros((clients, 2)), byzantine)


def test_krum_of_flower_agrees():
    aggregate = pytest.importorskip("flwr.server.strategy.aggregate", reason="extra federated")
    rng = np.random.default_rng(3)
    updates = rng.normal(0, 1, (9, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = aggregate.aggregate_krum([([each], 1) for each in updates], 2, 0)
    assert np.array_equal(theirs[0], updates[robust.krum(updates, 2)])


def returned(*updates):
    """Return clients' answers to weights of 1."""
    return [
        Return(client, 1 + torch.tensor(update), samples=1 + client, steps=1, loss=0.0)
        for client, update in enumerate(updates)
    ]


def test_the_server_hands_over_updates_and_adds_the_answer():
    seen = []
    server = robust.Robust(lambda updates: seen.append(updates) or updates[0])
    weights = server.aggregate(torch.ones(2), returned([1.0, 2.0], [3.0, 4.0]))
    assert seen[0].tolist() == [[1, 2], [3, 4]]
    assert weights.tolist() == [2, 3]
    assert weights.dtype == torch.float32


def test_updates_that_are_not_finite_are_refused():
    server = robust.Robust(lambda updates: updates.mean(axis=0))
    weights = server.aggregate(
        torch.ones(1), returned([2.0], [float("nan")], [4.0], [float("inf")])
    )
    assert weights.tolist() == [4.0]
    assert server.refused == 2
    assert server.aggregate(torch.ones(1), returned([float("nan")])).tolist() == [1.0]
    assert server.refused == 3


def test_a_rule_with_too_few_updates_left_changes_nothing():
    server = robust.Robust(lambda updates: updates[robust.krum(updates, 1)])
    enough, short = ([float(n)] for n in range(2)), [[1.0], [2.0], [3.0], [4.0], [float("nan")]]
    assert server.aggregate(torch.ones(1), returned(*short)).tolist() == [1.0]
    with pytest.raises(ValueError, match="2 updates of which 1 may be wrong"):
        server.aggregate(torch.ones(1), returned(*enough))
