"""Federations of a network with BatchNorm: what its running statistics do on unequal data.

BatchNorm normalises by the mean and spread of a batch while it trains, and by running statistics
when it is asked; these are no weights, so an average of weights does not say what becomes of
them. Two choices are tried, beside GroupNorm, which has none. Small and sequential: one hidden
layer, all clients in every round; the lab's own networks are in `labs.federated_learning.networks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from labs.federated_learning.tasks import Task
from labs.shared.networks import seeded

Positions = NDArray[np.int64]
State = dict[str, Tensor]
HIDDEN, GROUPS = 64, 8
KINDS = {
    "group": "GroupNorm",
    "averaged": "BatchNorm, statistics averaged",
    "local": "BatchNorm, statistics kept",
}


@dataclass(frozen=True)
class Work:
    """What every client does in each round.

    Parameters
    ----------
    rounds
        >= 1.
    batch
        Samples of a step, >= 2; a rest of one sample is left out, as it has no spread.
    learning_rate
        Of plain SGD.
    """

    rounds: int
    batch: int = 16
    learning_rate: float = 0.1


def network(pixels: int, *, classes: int, kind: str, seed: int) -> nn.Sequential:
    """Return a network of one hidden layer, normalised by groups or by batches.

    Parameters
    ----------
    pixels, classes
        Inputs and outputs.
    kind
        ``group``; any other of `KINDS` gives BatchNorm.
    seed
        Of its weights.

    Raises
    ------
    ValueError
        If the kind is not known.
    """
    if kind not in KINDS:
        raise ValueError(f"normalisation is {kind!r}; give one of {', '.join(KINDS)}")
    with seeded(seed):
        norm = nn.GroupNorm(GROUPS, HIDDEN) if kind == "group" else nn.BatchNorm1d(HIDDEN)
        layers = (nn.Linear(pixels, HIDDEN), norm, nn.ReLU(), nn.Linear(HIDDEN, classes))
        return nn.Sequential(nn.Flatten(), *layers)


def accuracy(task: Task, parts: Sequence[Positions], *, kind: str, work: Work, seed: int) -> float:
    """Return the share of test samples that are right after the last round.

    Where clients keep their statistics the server has none: each client is asked with its own,
    and the mean over clients is returned.

    Parameters
    ----------
    task
        Its samples; its own network is not used.
    parts
        Each client's samples, >= 2 each.
    kind
        Of `KINDS`.
    work
        Rounds and steps.
    seed
        Of the weights and the order of samples.
    """
    pixels = task.x[0].numel()
    model = network(pixels, classes=task.classes, kind=kind, seed=seed)
    shared = _copy(model.state_dict())
    own = [shared for _ in parts]
    for round_ in range(work.rounds):
        for client, part in enumerate(parts):
            sent = shared if kind != "local" else {**shared, **_statistics(own[client])}
            model.load_state_dict(sent)
            rng = np.random.default_rng((seed, round_, client))
            _train(model, task.x[part], task.y[part], work=work, rng=rng)
            own[client] = _copy(model.state_dict())
        shared = average(own, [len(part) for part in parts])
    asked = [{**shared, **_statistics(each)} for each in own] if kind == "local" else [shared]
    return float(np.mean([_tested(model, task, state) for state in asked]))


def compare(task: Task, *, rounds: int, seeds: Sequence[int]) -> list[dict[str, str]]:
    """Return a table's rows: accuracy by kind on an even partition and on one by class.

    Parameters
    ----------
    task
        Its samples are dealt to 10 clients.
    rounds
        >= 1.
    seeds
        One run each.
    """
    order = np.random.default_rng(0).permutation(len(task.y))
    by_class = order[np.argsort(task.y.numpy()[order], kind="stable")]
    dealt = {"even": np.array_split(order, 10), "by class": np.array_split(by_class, 10)}
    rows = []
    for kind, title in KINDS.items():
        row = {"normalised by": title}
        for name, parts in dealt.items():
            found = [
                accuracy(task, parts, kind=kind, work=Work(rounds), seed=seed) for seed in seeds
            ]
            row[f"{name} [%], by seed"] = ", ".join(f"{100 * each:.1f}" for each in found)
        rows.append(row)
    return rows


def average(states: Sequence[State], samples: Sequence[int]) -> State:
    """Return the mean of all weights and running statistics, weighted by samples.

    Parameters
    ----------
    states
        One a client, with the same names.
    samples
        Of each client.
    """
    shares = torch.tensor(samples, dtype=torch.float64) / sum(samples)
    mean = {}
    for name, first in states[0].items():
        stacked = torch.stack([each[name] for each in states]).double()
        mean[name] = torch.tensordot(shares, stacked, dims=1).to(first.dtype)
    return mean


def _copy(state: State) -> State:
    return {name: each.clone() for name, each in state.items()}


def _statistics(state: State) -> State:
    return {name: each for name, each in state.items() if "running" in name}


def _train(model: nn.Module, x: Tensor, y: Tensor, *, work: Work, rng: np.random.Generator) -> None:
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=work.learning_rate, foreach=False)
    for places in torch.split(torch.from_numpy(rng.permutation(len(y))), work.batch):
        if len(places) > 1:
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x[places]), y[places])
            torch.autograd.backward(loss)
            optimizer.step()


def _tested(model: nn.Module, task: Task, state: State) -> float:
    model.load_state_dict(state)
    model.eval()
    with torch.no_grad():
        right = model(task.x_test).argmax(1) == task.y_test
    return float(right.double().mean())
