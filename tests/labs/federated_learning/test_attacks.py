"""Attacks do what they say, to the attackers' samples and updates alone."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from labs.federated_learning import attacks, partitions, tasks
from labs.federated_learning.local import Local
from labs.federated_learning.loop import Channel, Setting, run
from labs.federated_learning.networks import Network
from labs.federated_learning.robust import coordinate_median
from labs.federated_learning.tasks import Task


@pytest.fixture(scope="module")
def task():
    return tasks.load("digits")


@pytest.fixture(scope="module")
def parts(task):
    return partitions.deal(task, "iid", clients=10, alpha=1.0, seed=0)


def mean(updates):
    """Return what every server returns that trusts its clients."""
    return updates.mean(axis=0)


def test_only_attackers_updates_are_scaled():
    channel = attacks.Poisoned([1], scale=-5.0)
    update = torch.tensor([1.0, -2.0])
    assert channel.up(update, client=0, round_=1)[0].tolist() == [1, -2]
    sent, size_bytes = channel.up(update, client=1, round_=1)
    assert sent.tolist() == [-5, 10]
    assert size_bytes == Channel().up(update, client=1, round_=1)[1]


def test_attackers_grow_with_their_share():
    chosen = [set(attacks.choose(20, share, seed=4)) for share in (0, 0.1, 0.3, 0.55, 1)]
    assert [len(each) for each in chosen] == [0, 2, 6, 11, 20]
    assert all(a <= b for a, b in pairwise(chosen))
    assert attacks.choose(100, 0.29, seed=0) != attacks.choose(100, 0.29, seed=1)
    assert len(attacks.choose(100, 0.29, seed=0)) == 29


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_of_all(share):
    with pytest.raises(ValueError, match="share of attackers is"):
        attacks.choose(10, share, seed=0)


def test_labels_are_flipped_for_attackers_alone(task, parts):
    flipped = attacks.flip_labels(task, parts, attackers=[2, 5])
    theirs = np.concatenate([parts[2], parts[5]])
    others = np.setdiff1d(np.arange(len(task.y)), theirs)
    assert torch.equal(flipped.y[theirs], 9 - task.y[theirs])
    assert torch.equal(flipped.y[others], task.y[others])
    assert torch.equal(attacks.flip_labels(flipped, parts, attackers=[2, 5]).y, task.y)
    assert flipped.x is task.x
    assert flipped.y_test is task.y_test


def test_a_back_door_stamps_every_other_sample_of_an_attacker(task, parts):
    opened = attacks.add_back_door(task, parts, attackers=[3])
    stamped = parts[3][::2]
    assert torch.equal(opened.x[stamped], attacks.stamp(task.x[stamped], value=1.0))
    assert (opened.y[stamped] == attacks.TARGET).all()
    others = np.setdiff1d(np.arange(len(task.y)), stamped)
    assert torch.equal(opened.x[others], task.x[others])
    assert torch.equal(opened.y[others], task.y[others])
    assert attacks.add_back_door(task, parts, attackers=[]).x.equal(task.x)


def test_success_is_counted_on_other_classes(task):
    network = task.network
    always = {
        name: torch.zeros_like(each) for name, each in network.state(network.initial(0)).items()
    }
    bias = list(always)[-1]
    for target, want in ((attacks.TARGET, 1.0), (1, 0.0)):
        always[bias] = torch.eye(10)[target]
        assert attacks.back_door_success(task, network.flat(always)) == want


def test_nobody_attacking_is_an_ordinary_run(task, parts):
    setting = Setting(rounds=2, local=Local(batch=0))
    outcome = attacks.poisoned_run(
        task, parts, setting=setting, combine=mean, attack="sign flip", share=0
    )
    plain = run(task, parts, setting=setting)
    # The plain server weighs by samples; here all have 108 or 109.
    assert abs(outcome.accuracy - plain.accuracy[-1]) < 0.02


def test_attacks_work_and_the_median_resists(task, parts):
    def outcome(attack, combine, share=0.2):
        return attacks.poisoned_run(
            task,
            parts,
            setting=Setting(rounds=12, local=Local(batch=16), seed=1),
            combine=combine,
            attack=attack,
            share=share,
        )

    honest = outcome("sign flip", mean, share=0)
    assert honest.accuracy > 0.7
    assert outcome("sign flip", mean).accuracy < 0.4
    assert outcome("sign flip", coordinate_median).accuracy > 0.5
    opened = outcome("back door", mean)
    assert opened.back_door > 0.9 > 0.3 > honest.back_door
    assert opened.accuracy > 0.4
    assert outcome("back door", coordinate_median).back_door < 0.6


def test_an_unknown_attack_is_named(task, parts):
    with pytest.raises(ValueError, match="attack is 'none'; give sign flip, label flip or"):
        attacks.poisoned_run(
            task, parts, setting=Setting(rounds=1), combine=mean, attack="none", share=0.1
        )


def test_samples_of_the_target_class_open_no_door():
    """A network that looks at the first pixel alone, and is always right."""
    y = torch.tensor([0, 0, 1])
    x = torch.zeros(3, 8, 8)
    x[:, 0, 0] = y.float()
    network = Network(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 2)))
    weights = torch.zeros(network.size)
    weights[64], weights[128] = 1.0, 0.5  # of class 1 its pixel, of class 0 its bias
    task = Task("drawn", x, y, x, y, network, 2)
    assert attacks.back_door_success(task, weights) == 0
    assert attacks.back_door_success(task, torch.zeros(network.size)) == 1
