"""Strategies as servers of the loop: their limits, in which they are FedAvg, and one round each."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from labs.federated_learning import loop, strategies
from labs.federated_learning.given.drift import new_variate
from labs.federated_learning.local import Local
from labs.federated_learning.loop import FedAvg, Return, Setting
from labs.federated_learning.networks import Network
from labs.federated_learning.tasks import Task

SETTING = Setting(rounds=2, local=Local(epochs=1, batch=0, learning_rate=0.5))
PARTS = [np.arange(0, 4), np.arange(4, 12), np.arange(12, 24)]


def small_task() -> Task:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(30, 4, generator=generator)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    network = Network(lambda: nn.Linear(4, 3))
    return Task("drawn", x[:24], y[:24], x[24:], y[24:], network, 3)


def run(name: str, setting: Setting, *, mu: float = 0.1) -> torch.Tensor:
    server, own = strategies.named(name, setting, parts=PARTS, mu=mu)
    return loop.run(small_task(), PARTS, setting=own, server=server).weights


def returned(rows: Sequence[Sequence[float]]) -> list[Return]:
    return [Return(i, torch.tensor(row), 2 * i + 2, 3, 0.0) for i, row in enumerate(rows)]


@pytest.mark.parametrize("name", strategies.NAMES)
def test_every_name_runs_and_has_a_title(name: str) -> None:
    assert name in strategies.TITLES
    assert bool(torch.isfinite(run(name, SETTING)).all())


def test_a_name_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"^strategy is 'fedmax'; give one of fedavg, fedsgd"):
        strategies.named("fedmax", SETTING, parts=PARTS)


def test_variates_need_a_rate_that_stays() -> None:
    with pytest.raises(ValueError, match=r"^decay is 0.9; the variates of scaffold need decay 1$"):
        strategies.named("scaffold", replace(SETTING, decay=0.9), parts=PARTS)


def test_no_pull_is_fedavg_to_the_bit() -> None:
    assert torch.equal(run("fedprox", SETTING, mu=0.0), run("fedavg", SETTING))


def test_pull_shortens_the_way_of_many_steps() -> None:
    many = replace(SETTING, rounds=1, local=replace(SETTING.local, epochs=10))
    start = small_task().network.initial(0)
    plain, pulled = run("fedavg", many) - start, run("fedprox", many, mu=1.0) - start
    assert float(pulled.norm()) < float(plain.norm())


def test_first_round_of_scaffold_is_fedavg() -> None:
    once = replace(SETTING, rounds=1)
    assert torch.equal(run("scaffold", once), run("fedavg", once))


def test_one_step_of_scaffold_is_fedavg() -> None:
    # Corrections, weighted by samples, cancel; weights of about 1 in float32, two rounds.
    assert float((run("scaffold", SETTING) - run("fedavg", SETTING)).abs().max()) <= 1e-6


def test_variates_average_to_the_full_gradient() -> None:
    task, server = small_task(), strategies.Scaffold([4, 8, 12], 0.5, new_variate=new_variate)
    loop.run(task, PARTS, setting=replace(SETTING, rounds=1), server=server)
    weights = task.network.initial(0).requires_grad_()
    loss = nn.functional.cross_entropy(task.network(weights, task.x), task.y)
    (gradient,) = torch.autograd.grad(loss, weights)
    assert server.common is not None
    # Weights of about 1 are rounded by 6e-8, which the rate of 0.5 doubles.
    np.testing.assert_allclose(server.common, gradient.numpy(), rtol=0, atol=1e-6)


def test_clients_that_are_not_chosen_keep_their_variates() -> None:
    server = strategies.Scaffold([1, 1, 2], 0.5, new_variate=new_variate)
    assert server.correction(2) is None
    server.aggregate(torch.zeros(2), [Return(2, torch.tensor([3.0, 0.0]), 2, 2, 0.0)])
    # Client 2 saw the mean gradient -3 / (2 * 0.5), and has half of all samples.
    assert set(server.own) == {2}
    assert server.common is not None
    assert server.common.tolist() == [-1.5, 0]
    for client, wanted in ((0, [-1.5, 0.0]), (2, [1.5, 0.0])):
        correction = server.correction(client)
        assert correction is not None
        assert correction.tolist() == wanted
    # Again: its own -3, less the common -1.5, and -1 / (2 * 0.5).
    server.aggregate(torch.zeros(2), [Return(2, torch.tensor([1.0, 0.0]), 2, 2, 0.0)])
    assert server.own[2].tolist() == [-2.5, 0]
    assert server.common.tolist() == [-1.25, 0]


def test_momentum_remembers() -> None:
    server, _ = strategies.named("fedavgm", SETTING, parts=PARTS)
    first = server.aggregate(torch.zeros(1), returned([[1.0], [1.0]]))
    assert first.tolist() == pytest.approx([strategies.MOMENTUM_RATE])
    second = server.aggregate(first, returned([first.tolist(), first.tolist()]))
    assert second.tolist() == pytest.approx([1.9 * strategies.MOMENTUM_RATE])


def test_plugged_in_functions_are_used() -> None:
    seen = []

    def step(weights, update, *, state, learning_rate):  # type: ignore[no-untyped-def]
        seen.append((update.tolist(), sorted(state), learning_rate))
        return weights + 7, state

    server, _ = strategies.named("fedadam", SETTING, parts=PARTS, functions={"fed_adam": step})
    assert isinstance(server, FedAvg)
    new = server.aggregate(torch.ones(1), returned([[2.0], [5.0]]))
    # Weighted by 2 and 4 samples: 1/3 of 1 and 2/3 of 4.
    assert new.tolist() == [8.0]
    assert seen == [([pytest.approx(3.0)], ["mean", "square"], strategies.ADAM_RATE)]


@pytest.mark.parametrize("name", strategies.NAMES)
def test_who_answers_first_does_not_matter(name: str) -> None:
    generator = torch.Generator().manual_seed(2)
    answers = [
        Return(k, torch.randn(200, generator=generator) * 10**k, len(PARTS[k]), 3, 0.0)
        for k in range(3)
    ]
    found = []
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        server, _ = strategies.named(name, SETTING, parts=PARTS)
        weights = torch.zeros(200)
        for _ in range(2):
            weights = server.aggregate(weights, [answers[k] for k in order])
        correction = server.correction(1)
        found.append(weights if correction is None else torch.cat([weights, correction]))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_scaffold_sends_its_variate_from_the_second_round_on() -> None:
    server, own = strategies.named("scaffold", replace(SETTING, rounds=3), parts=PARTS)
    history = loop.run(small_task(), PARTS, setting=own, server=server)
    size_bytes = 4 * (4 * 3 + 3)
    assert history.bytes_down == [3 * size_bytes, 2 * 3 * size_bytes, 2 * 3 * size_bytes]
    assert history.bytes_up == [3 * size_bytes] * 3


def test_fed_adam_begins_with_its_first_state() -> None:
    server, _ = strategies.named("fedadam", SETTING, parts=PARTS)
    new = server.aggregate(torch.zeros(1), returned([[2.0]]))
    # m = 0.1 * 2, v = 0.99 * 1e-6 + 0.01 * 4, and weights of float32.
    want = strategies.ADAM_RATE * 0.2 / ((0.99e-6 + 0.04) ** 0.5 + 1e-3)
    assert new.item() == pytest.approx(want, rel=1e-6)


def test_a_server_step_sees_the_average_in_float64() -> None:
    seen = []

    def step(weights, update, *, state, learning_rate):  # type: ignore[no-untyped-def]
        seen.append(update)
        return weights, state

    server, _ = strategies.named("fedadam", SETTING, parts=PARTS, functions={"fed_adam": step})
    server.aggregate(torch.ones(1), returned([[1.0], [1.0 + 2.0**-23]]))
    assert seen[0] == pytest.approx([2 / 3 * 2.0**-23], rel=1e-6)
