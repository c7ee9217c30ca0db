"""What fewer bits keep, counted, and its pictures."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from course_utils import data, plots
from labs.seminar.inference_performance import (
    guarantee_pictures,
    guarantees,
    network,
    splits,
    trees,
)
from labs.seminar.inference_performance.given import score_bounds


@pytest.fixture(scope="module")
def found():
    train, test = data.load("digits"), data.load("digits", split="test")
    forest = RandomForestClassifier(6, max_depth=6, random_state=0)
    forest.fit(network.pixels_of(train.x), train.y)
    plain = splits.halfway(trees.from_sklearn(forest))
    rows = network.pixels_of(test.x)[:120]
    return [
        guarantees.at_bits(
            plain,
            rows,
            labels=test.y[:120],
            bits=bits,
            largest=16,
            score_bounds=score_bounds,
        )
        for bits in (2, 4, 5)
    ]


def test_more_bits_certify_more(found):
    assert [each.violations for each in found] == [0, 0, 0]
    shares = [each.certified.value for each in found]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    for each in found:
        assert each.unchanged.value >= each.certified.value
        assert (each.is_unchanged | ~each.is_certified).all()
    for exact in found[1:]:
        assert exact.is_unchanged.all()
        assert exact.loss(np.random.default_rng(0)).value == 0
    coarse = found[0]
    lost = coarse.was_right.mean() - coarse.is_right.mean()
    assert coarse.loss(np.random.default_rng(0)).value == pytest.approx(lost)


def test_a_row_of_the_table(found):
    row = found[1].row(np.random.default_rng(0))
    assert (row["bits"], row["step"], row["outside of bounds"]) == (4, 1.0, 0)
    assert str(row["unchanged"]).startswith("1 [")


def test_bounds_that_do_not_hold_are_counted():
    tree = trees.Tree(
        feature=np.array([0, -1, -1]),
        threshold=np.array([0.5, 0, 0]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        values=np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]),
        samples=np.array([2, 1, 1]),
    )
    got = guarantees.at_bits(
        [tree],
        np.array([[0], [16]]),
        labels=np.array([0, 1]),
        bits=1,
        largest=16,
        score_bounds=lambda tree, codes: ([0.9, 0.0], [1.0, 0.1]),
    )
    # The second row has the scores (0, 1) in both forests: four numbers outside.
    assert got.violations == 4


def test_shares_are_drawn_against_bits(found):
    axes = plots.new_figure(wide=True)[1]
    series = guarantee_pictures.shares(axes, found, title="More bits prove more")
    assert [[x for x, _ in points] for points in series.values()] == [[2.0, 4.0, 5.0]] * 2
    assert series["cannot change (certified)"][-1][1].value == 1


def test_a_bound_against_a_change():
    axes = plots.new_figure()[1]
    bounds, changes = np.array([[2.0, 4.0], [1.0, 1.0], [1.0, 3.0]]), np.zeros((3, 2))
    changes[0], changes[1, 1] = (0.5, 1.0), 2.0
    got = guarantee_pictures.bound_against_change(axes, bounds, changes=changes, title="Below")
    assert got == {"above": 1.0, "median_ratio": 2.25, "still": 1.0}
    x, y = axes.lines[-1].get_data()
    assert (list(x), list(y)) == ([4.0, 1.0], [1.0, 2.0])


def test_a_network_that_changes_nothing_is_drawn():
    axes = plots.new_figure()[1]
    got = guarantee_pictures.bound_against_change(
        axes, np.ones((2, 3)), changes=np.zeros((2, 3)), title="Still"
    )
    assert got["still"] == 2
