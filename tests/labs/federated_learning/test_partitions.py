"""Partitions lose nothing, follow their definition, and refuse what is impossible in one line."""

import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.federated_learning import partitions, tasks
from labs.federated_learning.partitions import PartitionError
from labs.shared import keywords

KINDS = ("iid", "quantity", "shards", "dirichlet")


def drawn_labels(n=300, classes=10, seed=0):
    return np.random.default_rng(seed).integers(0, classes, n)


def assert_each_once(parts, n):
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("clients", [1, 2, 7, 30])
def test_every_sample_is_dealt_once_and_nobody_is_empty(kind, clients):
    labels = drawn_labels(600)
    parts = partitions.deal_labels(labels, kind, clients=clients, alpha=0.5, seed=3)
    assert len(parts) == clients
    assert min(map(len, parts)) >= 1
    assert_each_once(parts, 600)
    assert all((np.diff(part) > 0).all() for part in parts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_says_everything(kind):
    labels = drawn_labels()
    first, again, other = (
        partitions.deal_labels(labels, kind, clients=6, alpha=0.5, seed=seed) for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_iid_parts_are_of_one_size():
    parts = partitions.iid(drawn_labels(103), clients=10, seed=0)
    assert Counter(map(len, parts)) == {11: 3, 10: 7}


def test_quantity_spreads_sizes_as_a_log_normal_does():
    sizes = np.array(
        [len(p) for p in partitions.quantity(drawn_labels(200_000), clients=400, seed=0)]
    )
    logarithms = np.log(sizes)
    # Of 400 draws the standard deviation is 1 within 4 / sqrt(2 * 400); the extra sample of each
    # client changes the logarithm of a few hundred by less than a hundredth.
    assert abs(logarithms.std() - partitions.SPREAD) < 0.15
    equal = partitions.quantity(drawn_labels(100), clients=10, seed=0, spread=0)
    assert {len(part) for part in equal} == {10}


def test_two_shards_of_equal_classes_are_two_classes():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 20))
    parts = partitions.shards(labels, clients=10, seed=4)
    assert {len(part) for part in parts} == {20}
    assert all(set(Counter(labels[part].tolist()).values()) <= {10, 20} for part in parts)


def test_shards_of_a_class_are_drawn_from_all_of_it():
    labels = np.zeros(100, int)
    part = partitions.shards(labels, clients=10, seed=0)[0]
    assert part.max() - part.min() > 20  # a run of ten neighbours spans 9


@given(
    st.lists(st.floats(0.001, 1), min_size=1, max_size=12).map(lambda x: np.array(x) / sum(x)),
    st.integers(0, 10_000),
)
def test_apportioning_loses_nothing_and_is_within_one(shares, total):
    whole = partitions.apportion(shares, total)
    assert whole.sum() == total
    assert (np.abs(whole - shares * total) < 1 + 1e-9).all()


def test_apportioning_by_hand_and_where_products_are_not_whole():
    assert partitions.apportion(np.array([0.1, 0.2, 0.7]), 3).tolist() == [0, 1, 2]
    shares = np.array([0.29, 0.71])  # 0.29 * 100 is 28.999999999999996
    assert partitions.apportion(shares, 100).tolist() == [29, 71]


def test_shares_are_kept_for_every_class():
    labels = drawn_labels(500, 4)
    shares = np.random.default_rng(1).dirichlet([0.3] * 6, size=4)
    parts = partitions.deal_by_shares(labels, shares)
    assert_each_once(parts, 500)
    for label in range(4):
        n = (labels == label).sum()
        got = np.array([(labels[part] == label).sum() for part in parts])
        assert (np.abs(got - shares[label] * n) < 1).all()


def test_alpha_ranges_from_one_class_to_all_alike():
    labels = np.repeat(np.arange(10), 100)
    few = partitions.dirichlet(labels, clients=10, alpha=0.02, seed=0, least=1)
    many = partitions.dirichlet(labels, clients=10, alpha=1e5, seed=0)
    assert np.mean([len(set(labels[part].tolist())) for part in few]) < 4
    assert all(set(Counter(labels[part].tolist()).values()) <= {9, 10, 11} for part in many)


def test_a_plugged_function_deals():
    calls = []

    def deal(labels, shares):
        calls.append(shares.shape)
        return [part.tolist() for part in partitions.deal_by_shares(labels, shares)]

    labels = drawn_labels()
    asked = {"clients": 5, "alpha": 1.0, "seed": 0}
    ours, theirs = (partitions.dirichlet(labels, deal=each, **asked) for each in (None, deal))
    assert calls == [(10, 5)]
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    parts = partitions.shards(labels, clients=5, seed=0, deal=partitions.deal_shards)
    assert_each_once(parts, 300)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda y: partitions.iid(y, clients=11, seed=0),
            "10 samples cannot be dealt to 11 clients; give 1 to 10 clients",
        ),
        (lambda y: partitions.iid(y, clients=0, seed=0), "cannot be dealt to 0 clients"),
        (
            lambda y: partitions.shards(y, clients=6, seed=0),
            "to 6 clients of at least 2 samples each; give 1 to 5 clients",
        ),
        (
            lambda y: partitions.dirichlet(y, clients=2, alpha=0, seed=0),
            "alpha is 0; give a finite number above 0",
        ),
        (
            lambda y: partitions.dirichlet(y, clients=2, alpha=float("nan"), seed=0),
            "alpha is nan",
        ),
        (
            lambda y: partitions.dirichlet(y, clients=5, alpha=0.001, seed=0),
            "no draw in 1000 gives each of 5 clients 2 samples at alpha 0.001",
        ),
        (lambda y: partitions.quantity(y, clients=2, seed=0, spread=-1), "spread is -1"),
        (lambda y: partitions.apportion(np.array([0.5, 0.4]), 3), "shares add up to 0.9"),
        (
            lambda y: partitions.deal_labels(y, "dirichlett", clients=2, alpha=1, seed=0),
            "partition is 'dirichlett'; give one of iid, quantity, shards, dirichlet",
        ),
        (lambda y: partitions.among_owners(["", ""], seed=0), "2 samples and no owner"),
    ],
)
def test_what_is_impossible_is_told_in_one_line(ask, message):
    with pytest.raises(PartitionError, match=re.escape(message)) as raised:
        ask(np.zeros(10, int))
    assert "\n" not in str(raised.value)


def test_samples_of_nobody_are_dealt_evenly_and_by_the_seed():
    owners = np.array(["b", "", "a", "", "", "b", "c", "", ""])
    assert {name: part.tolist() for name, part in partitions.by_owner(owners).items()} == {
        "a": [2],
        "b": [0, 5],
        "c": [6],
    }
    parts = partitions.among_owners(owners, seed=0)
    assert_each_once(parts, 9)
    own = [1, 2, 1]
    assert sorted(len(part) - n for part, n in zip(parts, own, strict=True)) == [1, 2, 2]
    dealt = {str(partitions.among_owners(owners, seed=seed)) for seed in range(10)}
    assert len(dealt) > 1


@pytest.mark.parametrize("dataset", ["keywords_synthetic", "speech_commands"])
def test_clients_are_speakers_of_the_train_split_alone(dataset):
    folder = Path(os.environ.get("COURSE_DATA", "."))
    archive = "speech_commands_v2_testset_dev.tar"
    if dataset == "speech_commands" and not (folder / archive).exists():
        pytest.skip(f"needs real speech: COURSE_DATA with {archive} and the other archives")
    clips = {split: keywords.load_clips(dataset, split) for split in ("train", "val", "test")}
    silent = {split: (c.labels == keywords.SILENCE).numpy() for split, c in clips.items()}
    people = {split: set(c.speakers[~silent[split]].tolist()) for split, c in clips.items()}
    owners = tasks.owners_of(clips["train"])
    assert set(partitions.by_owner(owners)) == people["train"]
    assert not people["train"] & (people["val"] | people["test"])
    parts = partitions.among_owners(owners, seed=0)
    assert len(parts) == len(people["train"])
    assert_each_once(parts, len(owners))
    silence = [int(silent["train"][part].sum()) for part in parts]
    assert max(silence) - min(silence) <= 1
    for part in parts:
        spoken = part[~silent["train"][part]]
        assert len(set(clips["train"].speakers[spoken].tolist())) == 1
