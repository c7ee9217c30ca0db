"""Held-out samples, a server that weighs by loss, copies trained on, and intervals over clients."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import stats
from labs.federated_learning import fairness
from labs.federated_learning.fairness import FairnessError
from labs.federated_learning.given.fairness import reweighted
from labs.federated_learning.local import Local
from labs.federated_learning.loop import FedAvg, Return
from labs.federated_learning.networks import Network
from labs.federated_learning.tasks import Task


def small_task(n=60):
    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.integers(0, 2, n))
    x = torch.from_numpy(rng.normal(size=(n, 2)).astype(np.float32)) + 2 * y[:, None]
    return Task("toy", x.float(), y, x[:5].float(), y[:5], Network(lambda: nn.Linear(2, 2)), 2)


PARTS = [np.arange(0, 30), np.arange(30, 33), np.arange(33, 34), np.arange(34, 60)]


def test_clients_keep_their_share_and_lose_nothing():
    kept = fairness.keep_apart(PARTS, share=0.2, seed=0)
    assert kept.sizes.tolist() == [6, 1, 5]
    assert kept.left_out == 1
    whole = [p for p in PARTS if len(p) > 1]
    for part, own, held in zip(whole, kept.own, kept.held, strict=True):
        assert sorted([*own, *held]) == part.tolist()
    nearly_all = fairness.keep_apart(PARTS, share=0.99, seed=0)
    assert [len(part) for part in nearly_all.own] == [1, 1, 1]


def test_what_a_client_keeps_does_not_hang_on_the_others():
    alone = fairness.keep_apart(PARTS[:1], share=0.3, seed=5)
    together = fairness.keep_apart(PARTS, share=0.3, seed=5)
    assert alone.held[0].tolist() == together.held[0].tolist()


@pytest.mark.parametrize(
    ("parts", "share", "message"),
    [
        (PARTS, 0, "share is 0; give one above 0 and below 1"),
        (PARTS, 1, "share is 1;"),
        ([np.arange(1)] * 3, 0.2, "none of 3 clients has two samples"),
    ],
)
def test_what_is_impossible_is_told(parts, share, message):
    with pytest.raises(FairnessError, match=message):
        fairness.keep_apart(parts, share=share, seed=0)


def test_each_client_is_judged_by_its_own_samples_and_weights():
    task = small_task()
    always = torch.tensor([[0, 0, 0, 0, 1.0, 0], [0, 0, 0, 0, 0, 1.0]])  # of class 0, of class 1
    parts = [np.arange(10), np.arange(10, 40)]
    ones = [float((task.y[part] == 1).double().mean()) for part in parts]
    assert fairness.accuracies(task, always[1], parts=parts).tolist() == pytest.approx(ones)
    mixed = fairness.accuracies(task, always, parts=parts).tolist()
    assert mixed == pytest.approx([1 - ones[0], ones[1]])


def returned():
    weights = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    losses, sizes = (0.5, 2.0), (30, 10)
    return [Return(c, weights[c], sizes[c], 1, losses[c]) for c in range(2)]


def test_a_power_of_zero_is_the_ordinary_average():
    start = torch.zeros(2)
    fair = fairness.Reweighted(0, reweighted).aggregate(start, returned())
    assert torch.equal(fair, FedAvg().aggregate(start, returned()))
    # 30 * 0.5 = 15 and 10 * 2 = 20.
    by_loss = fairness.Reweighted(1, reweighted).aggregate(start, returned())
    assert by_loss.tolist() == pytest.approx([15 / 35, 20 / 35])
    assert by_loss.dtype == torch.float32


def test_copies_train_on_their_own_samples_alone():
    task, local = small_task(), Local(epochs=2, batch=4)
    start = task.network.initial(0)
    both = fairness.fine_tuned(task, start, parts=PARTS[:2], local=local, seed=0)
    first = fairness.fine_tuned(task, start, parts=PARTS[:1], local=local, seed=0)
    assert both.shape == (2, task.network.size)
    # The same arithmetic in batches of another size: a few roundings of weights of about 1.
    torch.testing.assert_close(both[:1], first, rtol=0, atol=1e-5)
    before = fairness.accuracies(task, start, parts=PARTS[:1])
    assert fairness.accuracies(task, first, parts=PARTS[:1]) > before
    assert torch.equal(start, task.network.initial(0))


def test_an_interval_needs_five_clients():
    rng = np.random.default_rng(0)
    few = fairness.over_clients(np.array([0.5, 0.7]), np.mean, rng=rng)
    assert (few.value, few.low, few.n) == (0.6, 0.6, 1)
    many = fairness.over_clients(np.linspace(0, 1, 20), np.std, rng=rng)
    assert many.low < many.value < many.high
    assert many.n == 20


def test_a_gain_is_paired_by_sample_and_drawn_by_client():
    after = [np.ones(4), np.array([1.0, 0.0]), np.ones(2), np.ones(1), np.ones(1)]
    before = [np.array([1.0, 0, 0, 1]), *after[1:]]
    gained = fairness.gain(after, before, rng=np.random.default_rng(1))
    assert (gained.value, gained.n) == (0.2, 5)
    clusters = np.repeat(range(5), [4, 2, 2, 1, 1])
    wanted = stats.paired_difference(
        np.concatenate(after),
        np.concatenate(before),
        clusters=clusters,
        rng=np.random.default_rng(1),
    )
    assert (gained.low, gained.high) == (wanted.interval.low, wanted.interval.high)
    assert fairness.gain(after[:1], before[:1], rng=np.random.default_rng(0)).n == 1


def test_who_answers_first_does_not_matter():
    fair = fairness.Reweighted(1, reweighted)
    rows = torch.randn(5, 300, generator=torch.Generator().manual_seed(0))
    answers = [Return(k, rows[k] * 10**k, k + 1, 1, 0.1 + k) for k in range(5)]
    usual, turned = (fair.aggregate(rows[0], each) for each in (answers, answers[::-1]))
    assert torch.equal(usual, turned)


def test_training_on_draws_what_no_round_drew(monkeypatch):
    """NumPy reads a seed as if zeros followed it: a fourth number that is 0 would be none."""
    seen = []
    monkeypatch.setattr(fairness, "plan", lambda n, _, *, seed: seen.append(seed) or [np.arange(n)])
    task = small_task()
    fairness.fine_tuned(task, task.network.initial(0), parts=PARTS, local=Local(), seed=3)
    own = [np.random.default_rng(each).random() for each in seen]
    rounds = [np.random.default_rng((3, r, c)).random() for r in range(9) for c in range(9)]
    assert len(own) == len(set(own)) == len(PARTS)
    assert not set(own) & set(rounds)


def test_a_loss_of_zero_counts_by_its_size_at_a_power_of_zero():
    assert reweighted(np.array([0.0, 2.0]), np.array([3, 1]), 0).tolist() == pytest.approx(
        [0.75, 0.25]
    )
    assert reweighted(np.array([0.0, 2.0]), np.array([3, 1]), 1).tolist() == [0, 1]
