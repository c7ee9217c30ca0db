"""How unequal parts are, against definitions written out, scipy and cases known beforehand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import distance
from scipy.stats import entropy

from labs.federated_learning import label_skew
from labs.federated_learning.partitions import PartitionError

LABELS = np.array([0, 0, 1, 1, 1, 5])


def test_counts_by_hand():
    parts = [np.array([0, 2, 3]), np.array([], int), np.array([5])]
    assert label_skew.class_counts(LABELS, parts).tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]
    assert label_skew.sizes(parts).tolist() == [3, 0, 1]
    # Shares 1/3, 2/3, 0 and 0, 0, 1 against 1/3, 1/2, 1/6: distances 1/6 and 5/6.
    assert label_skew.skew(LABELS, parts) == pytest.approx(0.5, abs=1e-15)


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(2, 10))
def test_entropy_and_distance_agree_with_scipy(seed, clients, classes):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.resize(np.arange(classes), 120))
    parts = np.array_split(rng.permutation(120), clients)
    shares = np.array([np.bincount(labels[p], minlength=classes) / len(p) for p in parts])
    whole = np.bincount(labels) / 120
    wanted = [distance.cityblock(row, whole) / 2 for row in shares]
    np.testing.assert_allclose(label_skew.total_variations(labels, parts), wanted, atol=1e-12)
    bits = label_skew.entropies_bits(labels, parts)
    np.testing.assert_allclose(bits, entropy(shares, base=2, axis=1), atol=1e-12)
    assert 0 <= label_skew.skew(labels, parts) < 1


def test_ends_of_the_scales():
    labels = np.repeat(np.arange(10), 5)
    alike = [np.arange(k, 50, 5) for k in range(5)]
    assert label_skew.skew(labels, alike) == 0
    assert label_skew.entropies_bits(labels, alike) == pytest.approx(np.log2(10))
    apart = np.split(np.arange(50), 10)
    assert label_skew.skew(labels, apart) == pytest.approx(0.9)
    assert not label_skew.entropies_bits(labels, apart).any()


def test_chance_is_what_shuffled_parts_show_and_grows_as_parts_shrink():
    labels = np.random.default_rng(0).integers(0, 10, 1000)
    chances = [
        label_skew.chance(labels, np.array_split(np.arange(1000), n), seed=0) for n in (2, 20, 200)
    ]
    assert chances == sorted(chances)
    assert chances[0] < 0.06
    assert chances[2] > 0.4
    # Two samples of ten nearly equal classes are of two classes in 9 cases of 10 (distance 0.8), of
    # one otherwise (0.9): on average 0.81, and classes that differ in size change little.
    pairs = label_skew.chance(labels, np.array_split(np.arange(1000), 500), seed=0)
    assert abs(pairs - 0.81) < 0.01


def test_a_summary_names_the_smallest_and_refuses_an_empty_client():
    parts = [np.array([0, 1, 2, 3]), np.array([4, 5])]
    told = label_skew.summary(LABELS, parts)
    assert (told["clients"], told["smallest"], told["largest"]) == (2, 2, 4)
    with pytest.raises(PartitionError, match="client 1 has no sample; deal again"):
        label_skew.summary(LABELS, [parts[0], np.array([], int)])
