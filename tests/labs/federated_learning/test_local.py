import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from labs.federated_learning import local as engine
from labs.federated_learning.local import Local, plan, train_many
from labs.federated_learning.networks import Network, image_network

EPSILON = 2.0**-24


def small() -> Network:
    return Network(lambda: nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)))


def convolutional() -> Network:
    return Network(
        lambda: nn.Sequential(
            nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3)
        )
    )


def clients(sizes: list[int], *, seed: int) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [
        (
            torch.randn(size, 5, generator=generator),
            torch.randint(0, 3, (size,), generator=generator),
        )
        for size in sizes
    ]


def library(
    network: Network, start: Tensor, own: tuple[Tensor, Tensor], *, plan_: list, local: Local
) -> tuple[Tensor, float]:
    """Train one client as a tutorial does: a module, torch's optimiser, a loop."""
    module = network.build()
    nn.utils.vector_to_parameters(start.clone(), module.parameters())
    first = [each.detach().clone() for each in module.parameters()]
    optimizer = torch.optim.SGD(module.parameters(), lr=local.learning_rate)
    losses = []
    for places in plan_:
        optimizer.zero_grad()
        loss = functional.cross_entropy(module(own[0][places]), own[1][places])
        pull = sum(((p - f) ** 2).sum() for p, f in zip(module.parameters(), first, strict=True))
        (loss + local.mu / 2 * pull).backward()
        optimizer.step()
        losses.append(loss.item())
    return nn.utils.parameters_to_vector(module.parameters()).detach(), float(np.mean(losses))


def plans_of(data: list[tuple[Tensor, Tensor]], local: Local, *, seed: int = 0) -> list:
    return [plan(len(y), local, seed=(seed, number)) for number, (_, y) in enumerate(data)]


def tolerance(steps: int) -> float:
    """Bound what two orders of adding up may differ by after some steps.

    Weights are below 2 here and gradients below 4, sums of at most 64 products: a step's error is
    below 64 EPSILON * 4 times the rate of 0.3, below 80 EPSILON; the loss's curvature, below 10 on
    these inputs, lets earlier errors grow by at most 1 + 0.3 * 10 a step in theory. Seen is far
    less; 4 steps are allowed to double, later ones add.
    """
    return 80 * EPSILON * 16 * steps


@pytest.mark.parametrize("network", [small(), convolutional()], ids=["dense", "convolutional"])
@pytest.mark.parametrize("how", [Local(2, 4, 0.3), Local(3, 0, 0.3), Local(1, 3, 0.3, mu=0.7)])
def test_clients_train_as_a_module_with_the_librarys_optimiser(
    network: Network, how: Local
) -> None:
    data = clients([1, 9, 4, 13, 4], seed=3)
    start, plans = network.initial(1), plans_of(data, how)
    trained = train_many(network, start, data=data, plans=plans, local=how)
    for own, each, plan_ in zip(data, trained, plans, strict=True):
        weights, loss = library(network, start, own, plan_=plan_, local=how)
        assert each.steps == len(plan_)
        assert float((each.weights - weights).abs().max()) <= tolerance(each.steps)
        assert each.loss == pytest.approx(loss, abs=tolerance(each.steps))


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=9),
    batch=st.integers(0, 5),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_the_order_of_clients_changes_no_bit(
    sizes: list[int], batch: int, seed: int, data: st.DataObject
) -> None:
    network, how = small(), Local(2, batch, 0.3)
    own = clients(sizes, seed=seed)
    start, plans = network.initial(0), plans_of(own, how, seed=seed)
    order = data.draw(st.permutations(range(len(sizes))))
    usual = train_many(network, start, data=own, plans=plans, local=how)
    shuffled = train_many(
        network, start, data=[own[i] for i in order], plans=[plans[i] for i in order], local=how
    )
    for place, client in enumerate(order):
        assert torch.equal(shuffled[place].weights, usual[client].weights)
        assert shuffled[place].loss == usual[client].loss


def test_a_client_alone_trains_as_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    network, how = small(), Local(2, 4, 0.3)
    data = clients([3, 12, 7, 7, 1], seed=5)
    start, plans = network.initial(2), plans_of(data, how)
    together = train_many(network, start, data=data, plans=plans, local=how)
    monkeypatch.setattr(engine, "AT_ONCE", 2)
    by_two = train_many(network, start, data=data, plans=plans, local=how)
    monkeypatch.setattr(engine, "SAMPLES_AT_ONCE", 1)
    alone = train_many(network, start, data=data, plans=plans, local=how)
    for a, b, c in zip(together, by_two, alone, strict=True):
        assert float((a.weights - b.weights).abs().max()) <= tolerance(a.steps)
        assert float((a.weights - c.weights).abs().max()) <= tolerance(a.steps)


@pytest.mark.parametrize("network", [small(), convolutional()], ids=["dense", "convolutional"])
def test_corrections_are_added_in_every_step(network: Network) -> None:
    how = Local(2, 3, 0.25)
    data = clients([6, 3], seed=0)
    start, plans = network.initial(0), plans_of(data, how)
    corrections = torch.stack([torch.full((network.size,), 1e6), torch.zeros(network.size)])
    pushed = train_many(network, start, data=data, plans=plans, local=how, corrections=corrections)
    usual = train_many(network, start, data=data, plans=plans, local=how)
    # Beside a million the gradient is nothing: each of 4 steps moves every weight by -250,000.
    assert torch.allclose(pushed[0].weights, torch.full((network.size,), -1e6), rtol=1e-5)
    assert torch.allclose(pushed[1].weights, usual[1].weights, atol=tolerance(2), rtol=0)


def test_a_client_that_overflows_spoils_no_other() -> None:
    network, how = small(), Local(1, 2, 0.3)
    data = clients([2, 5], seed=1)
    data[0] = (data[0][0] * 3e38, data[0][1])
    trained = train_many(
        network, network.initial(0), data=data, plans=plans_of(data, how), local=how
    )
    assert not torch.isfinite(trained[0].weights).all()
    assert torch.isfinite(trained[1].weights).all()


def test_the_weights_that_were_sent_stay_as_they_are() -> None:
    for network in (small(), convolutional()):
        start = network.initial(0)
        before = start.clone()
        data = clients([4], seed=0)
        train_many(network, start, data=data, plans=plans_of(data, Local()), local=Local())
        assert torch.equal(start, before)


@given(samples=st.integers(1, 40), epochs=st.integers(1, 3), batch=st.integers(0, 50))
def test_a_plan_visits_each_sample_once_an_epoch(samples: int, epochs: int, batch: int) -> None:
    steps = plan(samples, Local(epochs, batch), seed=(0, 1))
    assert len(steps) == epochs * -(-samples // (batch or samples))
    visited = np.concatenate(steps).reshape(epochs, samples)
    assert (np.sort(visited, axis=1) == np.arange(samples)).all()


def test_a_plan_follows_from_its_seed() -> None:
    first, same, other = (plan(20, Local(), seed=(0, k)) for k in (1, 1, 2))
    assert np.array_equal(first[0], same[0])
    assert not np.array_equal(first[0], other[0])


def test_nothing_to_train_on_is_said() -> None:
    network = small()
    data = clients([3, 0], seed=0)
    with pytest.raises(ValueError, match="client 1 has no step to take; leave out clients without"):
        train_many(
            network, network.initial(0), data=data, plans=[[np.arange(3)], []], local=Local()
        )


def test_only_networks_without_convolutions_are_dense() -> None:
    for shape, wanted in (((8, 8), True), ((28, 28), False)):
        network = image_network(shape, classes=10)
        assert engine.is_dense(network, network.initial(0)) is wanted


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"epochs": 0}, "epochs is 0; give a finite number of at least 1"),
        ({"batch": -5}, "batch is -5; give a finite number of at least 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; give"),
        ({"mu": float("inf")}, "mu is inf; give"),
    ],
)
def test_what_nobody_could_train_with_is_refused(given_: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Local(**given_)


def test_a_correction_belongs_to_its_client_whoever_is_first() -> None:
    network, how = small(), Local(1, 2, 0.25)
    data = clients([2, 9, 4], seed=0)
    start, plans = network.initial(0), plans_of(data, how)
    corrections = torch.stack([torch.full((network.size,), 10.0**k) for k in (3, 6, 9)])
    found = train_many(network, start, data=data, plans=plans, local=how, corrections=corrections)
    # Beside these numbers the gradient is nothing: 1, 5 and 2 steps of a quarter.
    for each, way in zip(found, (0.25e3, 1.25e6, 0.5e9), strict=True):
        assert torch.allclose(each.weights, torch.tensor(-way), rtol=2e-2)
