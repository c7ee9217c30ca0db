"""What the section on drift measures: updates, cosines, races and what their intervals allow."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import stats
from labs.federated_learning import drift, loop
from labs.federated_learning.given.drift import update_cosine
from labs.federated_learning.local import Local
from labs.federated_learning.networks import Network, keyword_network
from labs.federated_learning.tasks import Task


def small_task(samples: int = 200) -> Task:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(samples, 6, generator=generator)
    y = x[:, :3].argmax(1)
    return Task("drawn", x, y, x[:50], y[:50], Network(lambda: nn.Linear(6, 3)), 3)


def test_updates_of_a_full_batch_step_are_gradients() -> None:
    task = small_task()
    parts = [np.arange(0, 50), np.arange(50, 120)]
    weights = task.network.initial(0)
    local = Local(epochs=1, batch=0, learning_rate=0.1)
    found = drift.updates(task, parts, weights=weights, local=local, seed=0)
    for row, part in zip(found, parts, strict=True):
        own = weights.clone().requires_grad_()
        loss = nn.functional.cross_entropy(task.network(own, task.x[part]), task.y[part])
        (gradient,) = torch.autograd.grad(loss, own)
        # float32 rounds weights of about 1 by 6e-8.
        np.testing.assert_allclose(row, -0.1 * gradient.numpy(), rtol=0, atol=2e-7)


def test_unequal_clients_agree_less() -> None:
    found = drift.cosines(
        small_task(), update_cosine, alphas=(0.2, 1000.0), steps=(1,), seeds=range(2)
    )
    (unequal, _), (equal, _) = [(each.value, each.n) for _, each in found[1]]
    assert unequal < equal
    assert [alpha for alpha, _ in found[1]] == [0.2, 1000.0]


def test_fewer_takes_what_it_may_and_follows_the_seed() -> None:
    task = small_task()
    few = drift.fewer(task, 20, seed=5)
    assert len(few.y) == len(few.x) == 20
    assert torch.equal(few.x, drift.fewer(task, 20, seed=5).x)
    assert len(drift.fewer(task, seed=5).y) == 200


def test_race_is_the_loop_with_equal_seeds() -> None:
    task, setting = small_task(), loop.Setting(rounds=2)
    parts = np.array_split(np.arange(200), 4)
    entries = {"one": drift.Entry("fedavg"), "two": drift.Entry("fedavg", learning_rate=0.01)}
    found = drift.race(task, entries, setting=setting, dealt={0: parts, 3: parts}, options={})
    assert found["one"].shape == (2, 3)
    again = loop.run(task, parts, setting=loop.Setting(rounds=2, seed=3)).accuracy
    assert found["one"][1].tolist() == again
    assert found["one"][:, 0].tolist() == found["two"][:, 0].tolist()


def test_gains_are_paired_and_jointly_wide() -> None:
    rounds = {"FedAvg": [20, 24, 31], "a": [10, 13, 22], "b": [20, 24, 31]}
    saved = drift.gains(rounds, against="FedAvg")
    assert saved["a"].value == 10
    alone = stats.mean_interval([10, 11, 9])
    assert saved["a"].low < alone.low
    assert (saved["b"].low, saved["b"].high) == (0, 0)
    assert [drift.verdict(each) for each in saved.values()] == ["fewer rounds", "none"]


def test_standings_leave_the_control_out_of_the_best() -> None:
    rounds = {"FedAvg": [9, 9], "FedProx": [8, 7], drift.CONTROL: [2, 2]}
    rows, gain = drift.standings(rounds)
    assert gain.value == pytest.approx(1.5)
    assert [row["strategy"] for row in rows] == list(rounds)
    assert rows[0]["verdict"] == ""
    # A table shows the columns of its first row: FedAvg's must name those of the others.
    assert all(list(row) == list(rows[0]) for row in rows)


def test_entries_and_effort() -> None:
    assert [each.strategy for each in drift.entries("fedsgd").values()][-2:] == ["fedsgd", "fedavg"]
    assert len(drift.entries("fedavg")) == 6
    short = drift.effort(small_task(), 5, alpha=0.3, seed=4)
    assert (short.alphas, short.seeds) == ((0.3, 1.0), range(4, 6))
    assert 10 in short.steps
    assert len(drift.effort(small_task(), 30, alpha=0.3, seed=0).race_seeds) == 6
    slow = replace(small_task(), network=keyword_network(classes=10))  # few weights, used often
    assert slow.network.size < drift.SMALL
    few = drift.effort(slow, 30, alpha=0.3, seed=0)
    assert (len(few.race_seeds), few.alphas, few.steps) == (2, (0.1, 0.3, 1.0, 100.0), (1, 10, 25))
