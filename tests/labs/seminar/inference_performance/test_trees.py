"""Trees as plain arrays: scores and leaves are those of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from labs.seminar.inference_performance import trees


def drawn(seed: int, *, rows: int = 60, features: int = 4, classes: int = 3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    return x, rng.integers(0, classes, rows)


@given(
    seed=st.integers(0, 999), kind=st.sampled_from([RandomForestClassifier, ExtraTreesClassifier])
)
@settings(max_examples=15, deadline=None)
def test_scores_are_bit_for_bit_those_of_scikit_learn(seed, kind):
    x, y = drawn(seed)
    forest = kind(5, max_depth=1 + seed % 6, random_state=seed).fit(x, y)
    plain = trees.from_sklearn(forest)
    fresh, _ = drawn(seed + 1)
    assert (trees.scores(plain, fresh) == forest.predict_proba(fresh)).all()
    leaves = np.column_stack([trees.leaves_of(tree, fresh) for tree in plain])
    assert (leaves == forest.apply(fresh)).all()
    assert [trees.leaf_of(plain[0], row) for row in fresh] == leaves[:, 0].tolist()
    assert trees.inner_nodes(plain) == sum(e.get_n_leaves() - 1 for e in forest.estimators_)
    assert [trees.depth(tree) for tree in plain] == [e.get_depth() for e in forest.estimators_]


def test_a_single_tree_and_a_single_leaf_are_forests_too():
    x, y = drawn(0)
    one = DecisionTreeClassifier(max_depth=3, random_state=0).fit(x, y)
    assert (trees.scores(trees.from_sklearn(one), x) == one.predict_proba(x)).all()
    leaf = trees.from_sklearn(DecisionTreeClassifier().fit(x, np.zeros(len(x))))
    assert trees.inner_nodes(leaf) == trees.depth(leaf[0]) == 0
    assert trees.leaves_of(leaf[0], x).tolist() == [0] * len(x)


def test_what_is_no_fitted_classifier_of_trees_is_refused():
    x, y = drawn(0)
    with pytest.raises(ValueError, match="RandomForestClassifier is no fitted classifier of trees"):
        trees.from_sklearn(RandomForestClassifier())
    with pytest.raises(ValueError, match="KMeans is no fitted"):
        trees.from_sklearn(KMeans(2, n_init=1, random_state=0).fit(x))
    both = RandomForestClassifier(2, random_state=0).fit(x, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="several outputs"):
        trees.from_sklearn(both)
