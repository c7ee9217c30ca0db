"""What clients do between two messages: plain SGD on their own samples, many clients at once.

The order of samples follows from seed, round and client alone, so a client trains the same way
whoever else takes part, alone or in a batch of clients. Momentum and other state do not outlive a
round.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad_and_value, vmap
from torch.nn import functional

from labs.federated_learning.networks import Network

Positions = NDArray[np.int64]
AT_ONCE = 64  # clients of a batch: more need memory and save no time
SAMPLES_AT_ONCE = 16_384  # of a batch's step: what bounds its memory where whole clients are a step


@dataclass(frozen=True)
class Local:
    """How a client trains.

    Parameters
    ----------
    epochs
        Passes over its samples.
    batch
        Samples of a step; 0 takes all at once.
    learning_rate
        Of plain SGD.
    mu
        Pull towards the weights it was sent (FedProx); 0 for none.

    Raises
    ------
    ValueError
        If a number is out of its range or not finite.

    Examples
    --------
    >>> Local(epochs=0)
    Traceback (most recent call last):
    ...
    ValueError: epochs is 0; give a finite number of at least 1
    """

    epochs: int = 1
    batch: int = 16
    learning_rate: float = 0.1
    mu: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no client could train with."""
        for name, least in (("epochs", 1), ("batch", 0), ("learning_rate", 0), ("mu", 0)):
            value = getattr(self, name)
            if not least <= value < math.inf:
                raise ValueError(f"{name} is {value:g}; give a finite number of at least {least}")


@dataclass(frozen=True, eq=False)
class Trained:
    """What a client has after training.

    Parameters
    ----------
    weights
        (size,).
    loss
        Mean of its steps' losses [nat].
    steps
        Steps that it took.
    """

    weights: Tensor
    loss: float
    steps: int


def plan(samples: int, local: Local, *, seed: tuple[int, ...]) -> list[Positions]:
    """Return the positions of each step's samples, in the order of the steps.

    Parameters
    ----------
    samples
        Of the client, >= 1.
    local
        Epochs and batch.
    seed
        Of the whole run, the round and the client.
    """
    rng = np.random.default_rng(seed)
    size = local.batch or samples
    orders = [rng.permutation(samples) for _ in range(local.epochs)]
    return [order[at : at + size] for order in orders for at in range(0, samples, size)]


def train_many(
    network: Network,
    start: Tensor,
    *,
    data: Sequence[tuple[Tensor, Tensor]],
    plans: Sequence[Sequence[Positions]],
    local: Local,
    corrections: Tensor | None = None,
) -> list[Trained]:
    """Train clients from the same weights, each on its own samples by its own plan.

    Dense networks are trained together, others one by one: there many small matrices cost more to
    start than to multiply, here a convolution with weights of its own for each client costs more
    than the clients one after the other. Either way a client's result is the same but for rounding,
    and the order of the clients changes no bit.

    Parameters
    ----------
    network
        What is trained.
    start
        The weights that all are sent, (size,).
    data
        Samples and classes of each client.
    plans
        From `plan`, one a client.
    local
        Learning rate and pull.
    corrections
        (clients, size): added to each client's gradient in every step (SCAFFOLD).

    Raises
    ------
    ValueError
        If a client has nothing to train on.
    """
    if empty := [number for number, each in enumerate(plans) if not each]:
        raise ValueError(
            f"client {empty[0]} has no step to take; leave out clients without samples"
        )
    if not is_dense(network, start):
        given = [None] * len(plans) if corrections is None else corrections
        several = zip(data, plans, given, strict=True)
        return [_alone(network, start, own, plan=p, of=(local, c)) for own, p, c in several]
    # Clients of as many steps stand together, and whoever comes first in the list, the same
    # clients meet in the same places of the same arrays.
    order = sorted(range(len(plans)), key=lambda i: _place(plans[i]))
    trained: dict[int, Trained] = {}
    for group in _groups(order, plans):
        some = None if corrections is None else corrections[group]
        chosen = [(*data[i], plans[i]) for i in group]
        found = _together(network, start, chosen, local=local, corrections=some)
        trained.update(zip(group, found, strict=True))
    return [trained[i] for i in range(len(plans))]


def is_dense(network: Network, weights: Tensor) -> bool:
    """Return whether no weight of a network belongs to a convolution, a tensor of 3 axes or more.

    Parameters
    ----------
    network, weights
        The network, and any weights of it, (size,).
    """
    return all(each.ndim <= 2 for each in network.state(weights).values())


def _place(plan_: Sequence[Positions]) -> tuple[int, int, bytes]:
    return -len(plan_), -len(plan_[0]), plan_[0].tobytes()


def _groups(order: Sequence[int], plans: Sequence[Sequence[Positions]]) -> Iterator[list[int]]:
    """Yield the clients that are trained together, bounded in number and in samples of a step."""
    group: list[int] = []
    widest = 0
    for client in order:
        widest = max(widest, len(plans[client][0]))
        if group and (len(group) == AT_ONCE or widest * (len(group) + 1) > SAMPLES_AT_ONCE):
            yield group
            group, widest = [], len(plans[client][0])
        group.append(client)
    if group:
        yield group


def _together(
    network: Network,
    start: Tensor,
    clients: Sequence[tuple[Tensor, Tensor, Sequence[Positions]]],
    *,
    local: Local,
    corrections: Tensor | None,
) -> list[Trained]:
    """Train clients, those of most steps first: in each step some first ones are still active."""
    x, y = torch.cat([x for x, _, _ in clients]), torch.cat([y for _, y, _ in clients])
    places, sizes = _tables(clients)
    within = torch.arange(places.shape[2]) < sizes[..., None]
    shares = within / sizes.clamp(min=1)[..., None]
    counts = [len(plan_) for *_, plan_ in clients]
    weights, losses = start.repeat(len(clients), 1), torch.zeros(len(clients))
    step = vmap(grad_and_value(_loss_of(network)))
    for number, active in enumerate((sizes > 0).sum(1).tolist()):
        width = int(sizes[number].max())
        chosen = places[number, :active, :width]
        held = weights[:active]
        gradients, values = step(held, (x[chosen], y[chosen], shares[number, :active, :width]))
        some = None if corrections is None else corrections[:active]
        weights[:active] = held - local.learning_rate * _whole(gradients, held, start, local, some)
        losses[:active] += values
    means = (losses / torch.tensor(counts)).tolist()
    return [Trained(*each) for each in zip(weights, means, counts, strict=True)]


def _tables(
    clients: Sequence[tuple[Tensor, Tensor, Sequence[Positions]]],
) -> tuple[Tensor, Tensor]:
    """Return which of all clients' samples each step takes, and how many of them count.

    Returns
    -------
    places
        (steps, clients, width) into the samples of all clients, one after the other; a step that
        is shorter repeats its first sample, whose share is then 0.
    sizes
        (steps, clients), samples of a step, 0 where a client has finished.
    """
    most = max(len(plan_) for *_, plan_ in clients)
    width = max(len(step) for *_, plan_ in clients for step in plan_)
    places = np.zeros((most, len(clients), width), np.int64)
    sizes = np.zeros((most, len(clients)), np.int64)
    first = 0
    for client, (_, y, plan_) in enumerate(clients):
        for number, step in enumerate(plan_):
            places[number, client] = first + step[0]
            places[number, client, : len(step)] = first + step
            sizes[number, client] = len(step)
        first += len(y)
    return torch.from_numpy(places), torch.from_numpy(sizes)


def _alone(
    network: Network,
    start: Tensor,
    own: tuple[Tensor, Tensor],
    *,
    plan: Sequence[Positions],
    of: tuple[Local, Tensor | None],
) -> Trained:
    """Train one client without a batch of clients around it."""
    local, correction = of
    (x, y), weights, losses = own, start, torch.zeros(())
    for places in plan:
        held = weights.detach().requires_grad_(True)
        loss = functional.cross_entropy(network(held, x[places]), y[places])
        (gradient,) = torch.autograd.grad(loss, held)
        with torch.no_grad():
            whole = _whole(gradient, held, start, local, correction)
            weights = held - local.learning_rate * whole
        losses += loss.detach()
    return Trained(weights, float(losses) / len(plan), len(plan))


def _whole(
    gradients: Tensor, weights: Tensor, start: Tensor, local: Local, corrections: Tensor | None
) -> Tensor:
    """Add to gradients what a strategy wants: the pull to the start, and corrections."""
    if local.mu:
        gradients = gradients + local.mu * (weights - start)
    return gradients if corrections is None else gradients + corrections


def _loss_of(network: Network) -> Callable[[Tensor, tuple[Tensor, Tensor, Tensor]], Tensor]:
    def loss(weights: Tensor, samples: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        x, y, share = samples
        each = functional.cross_entropy(network(weights, x), y, reduction="none")
        return (each * share).sum()

    return loss
