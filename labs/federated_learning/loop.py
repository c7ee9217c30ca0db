"""Federated learning in one process: rounds of sampling, local training and averaging, counted.

The engine of this lab's experiments. Clients are arrays of positions; only those of a round exist
as networks, so thousands of clients cost little memory. The same seed gives the same numbers
whatever the order in which clients answer. A run that diverges goes on and says where:
`History.diverged_round`; a channel that refuses what is not finite (`compression.Squeezed`) ends it
with an error. The deployment is `labs.federated_learning.flower`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labs.federated_learning.local import Local, plan, train_many
from labs.federated_learning.tasks import Task

Positions = NDArray[np.int64]
FLOAT_BYTES = 4
AT_ONCE = 250  # test samples; what convolutions make of more does not stay in a processor's cache


@dataclass(frozen=True, eq=False)
class Return:
    """What a client sends back.

    Parameters
    ----------
    client
        Its number.
    weights
        (size,), as the server received them.
    samples, steps, loss
        What it trained on, how many steps, and their mean loss [nat].
    """

    client: int
    weights: Tensor
    samples: int
    steps: int
    loss: float


class FedAvg:
    """The server: averages what comes back, by samples (McMahan and others, 2017).

    Other strategies override what differs. `correction` is asked before a round, and once for each
    client; `aggregate`, then `sent_up`, after it.
    """

    def correction(self, client: int) -> Tensor | None:  # noqa: ARG002 - others ask for it
        """Return what a client adds to each of its gradients, or None."""
        return None

    def aggregate(self, weights: Tensor, returned: Sequence[Return]) -> Tensor:
        """Return the weights of the next round, (size,)."""
        # A sum in float64 that begins with the same client does not depend on who answered first.
        ordered = sorted(returned, key=lambda each: each.client)
        shares = torch.tensor([float(each.samples) for each in ordered], dtype=torch.float64)
        stacked = torch.stack([each.weights for each in ordered]).double()
        return (shares / shares.sum() @ stacked).to(weights.dtype)

    def sent_up(self, carried_bytes: int) -> int:
        """Return what the clients of the last round sent [B], given what the channel carried."""
        return carried_bytes


class Channel:
    """Carries a client's update to the server and counts its bytes; this one changes nothing."""

    def up(self, update: Tensor, *, client: int, round_: int) -> tuple[Tensor, int]:  # noqa: ARG002 - others ask for them
        """Return the update as the server sees it, and the bytes that were sent."""
        return update, FLOAT_BYTES * update.numel()


@dataclass(frozen=True)
class Setting:
    """A federation's run.

    Parameters
    ----------
    rounds
        >= 1.
    fraction
        Share of the clients that take part in a round, (0, 1]; one at least.
    local
        How a client trains.
    seed
        Start of every random choice.
    target
        Accuracy at which a run ends before its last round; None for none.
    decay
        By which the clients' learning rate is multiplied after each round, (0, 1]; drift shrinks
        with the rate.
    """

    rounds: int = 20
    fraction: float = 1.0
    local: Local = field(default_factory=Local)
    seed: int = 0
    target: float | None = None
    decay: float = 1.0

    def local_of(self, round_: int) -> Local:
        """Return how a client trains in a round, from 1.

        Examples
        --------
        >>> Setting(local=Local(learning_rate=0.2), decay=0.5).local_of(3).learning_rate
        0.05
        """
        rate = self.local.learning_rate * self.decay ** (round_ - 1)
        return replace(self.local, learning_rate=rate)


@dataclass
class History:
    """What happened, a value a round.

    Parameters
    ----------
    accuracy
        Share of the test samples that are right; index 0 is before the first round.
    loss
        Mean loss of the clients' steps [nat].
    bytes_up, bytes_down
        Sent by, and to, all clients of the round; a strategy's corrections count like weights.
    client_s
        Time in which clients were trained [s].
    steps
        Gradient steps of all clients of the round.
    weights
        (size,), the last.
    diverged_round
        The first round, from 1, after which a weight was not finite; None if there was none.
    """

    accuracy: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    bytes_up: list[int] = field(default_factory=list)
    bytes_down: list[int] = field(default_factory=list)
    client_s: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    weights: Tensor = field(default_factory=lambda: torch.zeros(0))
    diverged_round: int | None = None

    @property
    def rounds(self) -> int:
        """Rounds that were run."""
        return len(self.loss)

    def _add(self, task: Task, weights: Tensor, losses: Sequence[float]) -> None:
        """Note what the weights are after a round, and the losses on the way there."""
        self.accuracy.append(accuracy(task, weights))
        self.loss.append(float(np.mean(losses)))
        self.weights = weights
        if self.diverged_round is None and not bool(torch.isfinite(weights).all()):
            self.diverged_round = self.rounds


def run(
    task: Task,
    parts: Sequence[Positions],
    *,
    setting: Setting,
    server: FedAvg | None = None,
    channel: Channel | None = None,
    on_round: Callable[[int, Sequence[Return]], None] = lambda *_: None,
) -> History:
    """Train a federation and return its history.

    Parameters
    ----------
    task
        Data and network.
    parts
        Positions of each client's samples, >= 1 each.
    setting
        Rounds and how clients train.
    server, channel
        `FedAvg` and `Channel` without them.
    on_round
        Called after each round with its number, from 1, and what came back.

    Raises
    ------
    ValueError
        If there is no round or no client, or a client has no sample.
    """
    if setting.rounds < 1 or not parts:
        raise ValueError(f"{setting.rounds} rounds of {len(parts)} clients; give one at least")
    if empty := [number for number, part in enumerate(parts) if len(part) == 0]:
        raise ValueError(f"client {empty[0]} has no sample; deal again, or leave it out")
    server, channel = server or FedAvg(), channel or Channel()
    weights = task.network.initial(setting.seed)
    history = History(accuracy=[accuracy(task, weights)])
    for round_ in range(1, setting.rounds + 1):
        chosen = sample(len(parts), setting.fraction, seed=(setting.seed, round_))
        start_s = time.perf_counter()
        returned, carried = _round(
            task, parts, weights, chosen=chosen, round_=round_, of=(setting, server, channel)
        )
        history.client_s.append(time.perf_counter() - start_s)
        history.bytes_down.append(carried["down"])
        history.steps.append(sum(each.steps for each in returned))
        weights = server.aggregate(weights, returned)
        history.bytes_up.append(server.sent_up(carried["up"]))
        history._add(task, weights, [each.loss for each in returned])
        on_round(round_, returned)
        if setting.target is not None and history.accuracy[-1] >= setting.target:
            break
    return history


def central(task: Task, steps: Sequence[int], *, setting: Setting) -> History:
    """Train one network on all samples, as if they had been collected; nothing is sent.

    Parameters
    ----------
    task
        Data and network.
    steps
        Gradient steps between two looks at the accuracy; `History.steps` of a federation makes
        both take the same number, and the rate shrink alike.
    setting
        How clients train, and the seed; the first weights are those of `run`.
    """
    weights, samples = task.network.initial(setting.seed), len(task.y)
    a_pass = -(-samples // (setting.local.batch or samples))
    local = replace(setting.local, epochs=-(-sum(steps) // a_pass), mu=0.0)
    planned = plan(samples, local, seed=(setting.seed,))
    history = History(accuracy=[accuracy(task, weights)])
    firsts = np.cumsum([0, *steps]).tolist()
    for round_, (first, count) in enumerate(zip(firsts, steps, strict=False), 1):
        local = replace(local, learning_rate=setting.local_of(round_).learning_rate)
        plans = [planned[first : first + count]]
        trained = train_many(
            task.network, weights, data=[(task.x, task.y)], plans=plans, local=local
        )
        weights = trained[0].weights
        history.steps.append(count)
        history._add(task, weights, [trained[0].loss])
    return history


def _round(
    task: Task,
    parts: Sequence[Positions],
    weights: Tensor,
    *,
    chosen: Sequence[int],
    round_: int,
    of: tuple[Setting, FedAvg, Channel],
) -> tuple[list[Return], dict[str, int]]:
    """Return what came back, and the bytes that went up and down."""
    setting, server, channel = of
    data = [(task.x[parts[each]], task.y[parts[each]]) for each in chosen]
    seeds = [(setting.seed, round_, each) for each in chosen]
    plans = [plan(len(y), setting.local, seed=s) for (_, y), s in zip(data, seeds, strict=True)]
    wanted = [server.correction(each) for each in chosen]
    corrections, corrected = None, sum(each is not None for each in wanted)
    if corrected:
        none = torch.zeros_like(weights)
        corrections = torch.stack([none if each is None else each for each in wanted])
    trained = train_many(
        task.network,
        weights,
        data=data,
        plans=plans,
        local=setting.local_of(round_),
        corrections=corrections,
    )
    returned: list[Return] = []
    carried = {"up": 0, "down": FLOAT_BYTES * weights.numel() * (len(chosen) + corrected)}
    for client, each, (_, y) in zip(chosen, trained, data, strict=True):
        update, count = channel.up(each.weights - weights, client=client, round_=round_)
        carried["up"] += count
        returned.append(Return(client, weights + update, len(y), each.steps, each.loss))
    return returned, carried


def sample(clients: int, fraction: float, *, seed: tuple[int, ...]) -> list[int]:
    """Return the clients of a round in ascending order, one at least.

    Raises
    ------
    ValueError
        If the fraction is not within (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction is {fraction:g}; give a share above 0 and up to 1")
    count = max(1, round(fraction * clients))
    return sorted(np.random.default_rng(seed).choice(clients, count, replace=False).tolist())


def accuracy(task: Task, weights: Tensor) -> float:
    """Return the share of test samples that the weights classify rightly."""
    return float(correct(task, weights).mean())


def correct(task: Task, weights: Tensor) -> NDArray[np.bool_]:
    """Return which test samples the weights classify rightly, (n,).

    Weights that are not finite are taken for the first class, so their accuracy is that of a guess.
    """
    with torch.no_grad():
        named = [task.network(weights, x).argmax(1) for x in torch.split(task.x_test, AT_ONCE)]
    right: NDArray[np.bool_] = (torch.cat(named) == task.y_test).numpy()
    return right
