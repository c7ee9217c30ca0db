import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from labs.federated_learning import loop
from labs.federated_learning.local import Local
from labs.federated_learning.loop import Channel, FedAvg, Return, Setting, central, run, sample
from labs.federated_learning.networks import Network
from labs.federated_learning.tasks import Task

LARGE = """
import resource
import numpy as np, torch
from torch import nn
from labs.federated_learning.loop import Setting, run
from labs.federated_learning.networks import image_network
from labs.federated_learning.tasks import Task
x, y = torch.rand(100_000, 64), torch.arange(100_000) % 10
task = Task("digits", x, y, x[:200], y[:200], image_network((64,), classes=10), 10)
parts = np.arange(100_000).reshape(10_000, 10)
history = run(task, list(parts), setting=Setting(rounds=3, fraction=0.01))
print(len(history.loss), history.bytes_up[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture(scope="module")
def task() -> Task:
    """Three clouds of points, which a linear network tells apart after a few steps."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(150) % 3
    centres = torch.tensor([[2.0, 0, 0, 1], [0, 2, 0, 1], [0, 0, 2, 1]])
    x = centres[y] + 0.5 * torch.randn(150, 4, generator=generator)
    network = Network(lambda: nn.Linear(4, 3))
    return Task("digits", x[:120], y[:120], x[120:], y[120:], network, 3)


@pytest.fixture(scope="module")
def parts() -> list[np.ndarray]:
    return np.split(np.random.default_rng(0).permutation(120), [5, 25, 60, 90])


def test_a_round_of_whole_clients_is_a_step_on_all_samples(
    task: Task, parts: list[np.ndarray]
) -> None:
    setting = Setting(rounds=1, local=Local(1, 0, 0.5))
    rounded = run(task, parts, setting=setting).weights
    start = task.network.initial(0)
    held = start.double().requires_grad_(True)
    loss = nn.functional.cross_entropy(task.network(held, task.x.double()), task.y)
    want = start - 0.5 * torch.autograd.grad(loss, held)[0]
    # Logits of 4 products, a softmax of 3 and means of up to 35 samples below 3 in size: fewer
    # than 64 roundings of numbers below 4 in all.
    assert float((rounded - want).abs().max()) <= 64 * 4 * 2.0**-24


def test_one_client_is_central_training(task: Task) -> None:
    setting = Setting(rounds=1, local=Local(2, 16))
    federated = run(task, [np.arange(120)], setting=setting)
    plan = loop.plan(120, setting.local, seed=(0, 1, 0))
    data = [(task.x, task.y)]
    want = loop.train_many(
        task.network, task.network.initial(0), data=data, plans=[plan], local=setting.local
    )[0]
    assert federated.steps == [want.steps]
    # The channel carries a difference, which is rounded, and the sum is rounded again.
    assert float((federated.weights - want.weights).abs().max()) <= 2 * 2.0**-23


def test_accuracy_rises_and_everything_is_counted(task: Task, parts: list[np.ndarray]) -> None:
    history = run(task, parts, setting=Setting(rounds=8, fraction=0.6))
    assert history.accuracy[-1] > 0.9 > history.accuracy[0]
    assert history.rounds == 8
    assert history.bytes_up == history.bytes_down == [3 * 4 * 15] * 8
    assert len(history.accuracy) == 9
    assert len(history.client_s) == len(history.steps) == len(history.loss) == 8
    assert history.diverged_round is None


def test_the_same_seed_gives_the_same_bits(task: Task, parts: list[np.ndarray]) -> None:
    setting = Setting(rounds=3, fraction=0.5, seed=4)
    first, again = (run(task, parts, setting=setting) for _ in range(2))
    other = run(task, parts, setting=replace(setting, seed=5))
    assert torch.equal(first.weights, again.weights)
    assert not torch.equal(first.weights, other.weights)


def test_who_answers_first_does_not_matter() -> None:
    generator = torch.Generator().manual_seed(1)
    returned = [
        Return(k, torch.randn(500, generator=generator) * 10**k, 3 * k + 1, 1, 0.0)
        for k in range(5)
    ]
    usual = FedAvg().aggregate(torch.zeros(500), returned)
    for order in ([4, 3, 2, 1, 0], [2, 0, 4, 1, 3]):
        assert torch.equal(
            FedAvg().aggregate(torch.zeros(500), [returned[i] for i in order]), usual
        )
    far = [Return(k, torch.full((9,), each), 1, 1, 0.0) for k, each in enumerate((2e30, 1, -2e30))]
    ends = [FedAvg().aggregate(torch.zeros(9), list(each)) for each in permutations(far)]
    assert all(torch.equal(ends[0], each) for each in ends)  # 1 is lost beside 2e30, or is not
    exact = sum(r.samples * r.weights.double() for r in returned) / sum(r.samples for r in returned)
    assert torch.allclose(usual.double(), exact, rtol=2.0**-23, atol=0)


def test_a_run_ends_at_its_target(task: Task, parts: list[np.ndarray]) -> None:
    whole = run(task, parts, setting=Setting(rounds=8))
    target = whole.accuracy[3]
    early = run(task, parts, setting=Setting(rounds=8, target=target))
    reached = next(k for k, each in enumerate(whole.accuracy) if k and each >= target)
    assert early.accuracy == whole.accuracy[: reached + 1]
    assert early.rounds == reached


def test_a_run_that_diverges_says_so_and_goes_on(task: Task, parts: list[np.ndarray]) -> None:
    history = run(task, parts, setting=Setting(rounds=4, local=Local(2, 4, learning_rate=1e38)))
    assert history.diverged_round == 1
    assert history.rounds == 4
    assert not torch.isfinite(history.weights).all()


class _Watched(FedAvg):
    """Keeps what it averaged."""

    def __init__(self) -> None:
        self.seen: list[tuple[Tensor, list[Return]]] = []

    def aggregate(self, weights: Tensor, returned: Sequence[Return]) -> Tensor:
        self.seen.append((weights, list(returned)))
        return super().aggregate(weights, returned)


def test_seed_round_and_number_decide_who_trains_and_how(
    task: Task, parts: list[np.ndarray]
) -> None:
    server, setting = _Watched(), Setting(rounds=4, fraction=0.6, local=Local(2, 4), seed=7)
    run(task, parts, setting=setting, server=server)
    assert len({tuple(each.client for each in back) for _, back in server.seen}) > 1
    for round_, (weights, back) in enumerate(server.seen, start=1):
        assert [each.client for each in back] == sample(5, 0.6, seed=(7, round_))
        for each in back:
            part = parts[each.client]
            plan = loop.plan(len(part), setting.local, seed=(7, round_, each.client))
            own = [(task.x[part], task.y[part])]
            given = {"data": own, "plans": [plan], "local": setting.local}
            (want,) = loop.train_many(task.network, weights, **given)
            # The same arithmetic alone; another order of samples moves a weight by far more.
            assert torch.allclose(each.weights, want.weights, rtol=0, atol=1e-5)


def test_weights_that_are_not_finite_are_right_as_often_as_the_first_class(task: Task) -> None:
    lost = torch.full((task.network.size,), torch.nan)
    assert loop.accuracy(task, lost) == float((task.y_test == 0).double().mean())


def test_central_training_takes_the_steps_it_is_told(task: Task) -> None:
    setting = Setting(local=Local(1, 16, mu=5.0))
    history = central(task, [7, 20, 1], setting=setting)
    assert history.steps == [7, 20, 1]
    assert history.accuracy[-1] > 0.9
    plan = loop.plan(120, Local(4, 16), seed=(0,))[:28]
    want = loop.train_many(
        task.network,
        task.network.initial(0),
        data=[(task.x, task.y)],
        plans=[plan],
        local=Local(4, 16),
    )[0].weights
    assert torch.equal(history.weights, want)


class _Halved(Channel):
    def up(self, update: Tensor, *, client: int, round_: int) -> tuple[Tensor, int]:
        assert client >= 0 < round_
        return update / 2, 7


class _Corrected(FedAvg):
    """Pushes client 1 alone, far."""

    def correction(self, client: int) -> Tensor | None:
        return torch.full((15,), 1e6) if client == 1 else None


def test_a_channel_changes_what_arrives(task: Task, parts: list[np.ndarray]) -> None:
    setting = Setting(rounds=1)
    start = task.network.initial(0)
    usual, halved = (run(task, parts, setting=setting, channel=c) for c in (None, _Halved()))
    assert halved.bytes_up == [7 * len(parts)]
    assert torch.allclose(2 * (halved.weights - start), usual.weights - start, atol=1e-6)


def test_only_some_clients_may_be_corrected(task: Task, parts: list[np.ndarray]) -> None:
    seen: list[Return] = []
    history = run(
        task,
        parts,
        setting=Setting(rounds=1),
        server=_Corrected(),
        on_round=lambda _, returned: seen.extend(returned),
    )
    assert history.bytes_down == [(5 + 1) * 4 * 15]  # weights for five, a correction for one
    assert history.bytes_up == [5 * 4 * 15]
    assert [bool((each.weights.abs() > 1e3).all()) for each in seen] == [
        False,
        True,
        False,
        False,
        False,
    ]


def test_a_share_of_the_clients_takes_part() -> None:
    assert sample(10, 0.25, seed=(0, 1)) == sorted(set(sample(10, 0.25, seed=(0, 1))))
    assert len(sample(10, 1e-9, seed=(0, 1))) == 1
    assert sample(7, 1.0, seed=(3,)) == list(range(7))
    for wrong in (0.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="give a share above 0 and up to 1"):
            sample(10, wrong, seed=(0,))


def test_clients_without_samples_and_runs_without_rounds_are_refused(task: Task) -> None:
    with pytest.raises(ValueError, match="client 1 has no sample; deal again, or leave it out"):
        run(task, [np.arange(3), np.arange(0)], setting=Setting())
    with pytest.raises(ValueError, match="0 rounds of 1 clients; give one at least"):
        run(task, [np.arange(3)], setting=Setting(rounds=0))


def test_ten_thousand_clients_fit_into_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE], capture_output=True, text=True, check=True, timeout=300
    )
    rounds, sent, kib = map(int, done.stdout.split())
    assert (rounds, sent) == (3, 100 * 4 * 4810)
    # Linux counts KiB, macOS bytes.
    assert kib * (1 if sys.platform == "darwin" else 1024) < 1.5e9


def test_a_rate_that_shrinks_is_that_of_its_round(task: Task, parts: list[np.ndarray]) -> None:
    shrinking = Setting(rounds=2, local=Local(1, 0, 0.5), decay=0.25)
    first = run(task, parts, setting=replace(shrinking, rounds=1)).weights
    both = run(task, parts, setting=shrinking).weights
    whole = run(task, parts, setting=replace(shrinking, decay=1.0)).weights
    # Whole clients take single steps, so that a quarter of the rate is a quarter of the way.
    torch.testing.assert_close(both - first, (whole - first) / 4, rtol=1e-4, atol=1e-6)


def test_central_training_shrinks_its_rate_alike(task: Task) -> None:
    setting = Setting(local=Local(1, 0, 0.5), decay=0.25)
    first, both = (central(task, [1] * n, setting=setting).weights for n in (1, 2))
    whole = central(task, [1, 1], setting=replace(setting, decay=1.0)).weights
    torch.testing.assert_close(both - first, (whole - first) / 4, rtol=1e-4, atol=1e-6)
