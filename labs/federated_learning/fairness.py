"""Whom the common network serves how well, and what a client gains by training its own copy on.

Every client keeps some of its samples out of training and is judged on these. Averages over clients
are the exercise's; here is what they are computed from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_utils import records, stats
from labs.federated_learning.local import Local, plan, train_many
from labs.federated_learning.loop import FedAvg, Return
from labs.federated_learning.tasks import Task

Positions = NDArray[np.int64]
Floats = NDArray[np.float64]
FEWEST_CLIENTS = 5  # of an interval over clients
FINE_TUNING = 1  # fourth number of a seed: rounds have three, which NumPy reads as if a 0 followed


class FairnessError(ValueError):
    """Clients that cannot be judged on samples of their own."""


@dataclass(frozen=True, eq=False)
class Kept:
    """Clients that keep samples out of training.

    Parameters
    ----------
    own
        Positions of each client's samples to train on, >= 1 each.
    held
        Positions of those to judge it by, >= 1 each.
    left_out
        How many clients have too few samples for both.
    """

    own: list[Positions]
    held: list[Positions]
    left_out: int

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Samples that each client is judged by."""
        return np.array([len(part) for part in self.held])


def keep_apart(parts: Sequence[Positions], *, share: float, seed: int) -> Kept:
    """Return clients with a share of their samples, drawn, kept out of training.

    A client's draw depends on the seed and its number alone. Those with a single sample are left
    out.

    Parameters
    ----------
    parts
        Positions of each client's samples.
    share
        Of its samples, within (0, 1), rounded; one at least is kept, one at least is left.
    seed
        Decides which.

    Raises
    ------
    FairnessError
        If the share is not within (0, 1), or every client is left out.
    """
    if not 0 < share < 1:
        raise FairnessError(f"share is {share:g}; give one above 0 and below 1")
    own, held = [], []
    for client, part in enumerate(parts):
        if len(part) >= 2:
            order = np.random.default_rng((seed, client)).permutation(part)
            count = min(len(part) - 1, max(1, round(share * len(part))))
            held.append(np.sort(order[:count]))
            own.append(np.sort(order[count:]))
    if not own:
        raise FairnessError(f"none of {len(parts)} clients has two samples; deal to fewer clients")
    return Kept(own, held, len(parts) - len(own))


def right(task: Task, weights: Tensor, *, parts: Sequence[Positions]) -> list[Floats]:
    """Return for each client which of its samples are classified rightly, 1 or 0.

    Parameters
    ----------
    task
        Data and network.
    weights
        (size,) for all clients, or (clients, size), each client's own.
    parts
        Positions of the clients' samples, of the training set.
    """
    rows = weights.expand(len(parts), -1) if weights.ndim == 1 else weights
    with torch.no_grad():
        pairs = zip(rows, parts, strict=True)
        found = [(task.network(row, task.x[p]).argmax(1) == task.y[p]).numpy() for row, p in pairs]
    return [each.astype(np.float64) for each in found]


def accuracies(task: Task, weights: Tensor, *, parts: Sequence[Positions]) -> Floats:
    """Return the accuracy at each client, (clients,), from 0 to 1.

    Parameters
    ----------
    task
        Data and network.
    weights
        (size,) for all clients, or (clients, size).
    parts
        Positions of the clients' samples, >= 1 each.
    """
    return np.array([each.mean() for each in right(task, weights, parts=parts)])


class Reweighted(FedAvg):
    """A server that listens more to clients with a large loss (after q-FFL, Li and others, 2020).

    The weights are those of the gradient of q-FFL's aim, the sum of ``p_k F_k^(q + 1) / (q + 1)``,
    with the mean loss of a client's local steps in place of its loss at the round's beginning. The
    step length, which the paper estimates anew in every round, is left alone.

    Parameters
    ----------
    q
        >= 0; 0 averages by samples, as `FedAvg` does.
    reweighted
        ``reweighted(losses, sizes, q)``: shares of the clients, which add up to 1.
    """

    def __init__(self, q: float, reweighted: Callable[..., Any]) -> None:
        self.q = q
        self.reweighted = reweighted

    def aggregate(self, weights: Tensor, returned: Sequence[Return]) -> Tensor:
        """Return the weights of the next round, (size,)."""
        ordered = sorted(returned, key=lambda each: each.client)
        losses = np.array([each.loss for each in ordered])
        sizes = np.array([each.samples for each in ordered])
        shares = torch.as_tensor(np.asarray(self.reweighted(losses, sizes, self.q)))
        stacked = torch.stack([each.weights for each in ordered]).double()
        return (shares.double() @ stacked).to(weights.dtype)


def fine_tuned(
    task: Task, weights: Tensor, *, parts: Sequence[Positions], local: Local, seed: int
) -> Tensor:
    """Return each client's own weights after training on from the common ones, (clients, size).

    Parameters
    ----------
    task
        Data and network.
    weights
        (size,), where all begin.
    parts
        Positions of each client's samples, >= 1 each.
    local
        How long, and how.
    seed
        Decides the order of the samples.
    """
    seeds = [(seed, client, 0, FINE_TUNING) for client in range(len(parts))]
    plans = [plan(len(p), local, seed=each) for p, each in zip(parts, seeds, strict=True)]
    data = [(task.x[part], task.y[part]) for part in parts]
    trained = train_many(task.network, weights, data=data, plans=plans, local=local)
    return torch.stack([each.weights for each in trained])


def over_clients(
    values: Floats, statistic: Callable[[Floats], float], *, rng: np.random.Generator
) -> records.Result:
    """Return a statistic of the clients' values, with its bootstrap interval over clients.

    Fewer than `FEWEST_CLIENTS` give no interval, and the result says so.

    Parameters
    ----------
    values
        (clients,).
    statistic
        Of such an array, whatever its order.
    rng
        Draws the clients anew.
    """
    if len(values) >= FEWEST_CLIENTS:
        return stats.bootstrap_interval(values, statistic, rng=rng).result()
    value = float(statistic(values))
    return records.Result(value, value, value, n=1, kind="measured")


def gain(
    after: Sequence[Floats], before: Sequence[Floats], *, rng: np.random.Generator
) -> records.Result:
    """Return the mean difference over all samples, paired by sample, drawn anew by client.

    Parameters
    ----------
    after, before
        From `right`, of the same clients and samples.
    rng
        Draws the clients anew.
    """
    clients = np.repeat(np.arange(len(after)), [len(each) for each in after])
    a, b = np.concatenate(after), np.concatenate(before)
    if len(after) >= FEWEST_CLIENTS:
        return stats.paired_difference(a, b, clusters=clients, rng=rng).result()
    value = float((a - b).mean())
    return records.Result(value, value, value, n=1, kind="measured")
