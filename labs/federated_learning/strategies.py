"""Servers that average otherwise than FedAvg, by name: FedSGD, FedProx, SCAFFOLD, FedAvgM, FedAdam.

Each overrides what differs from `loop.FedAvg`; what a client does in its steps is in
`labs.federated_learning.local`. The arithmetic of the server is a plug-in: a function of NumPy
arrays, yours where you have written it, otherwise the given one. Server learning rates are one
choice for all data sets; nothing is tuned here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labs.federated_learning import limits
from labs.federated_learning.given import drift
from labs.federated_learning.loop import FedAvg, Return, Setting

Floats = NDArray[np.floating]
ServerStep = Callable[..., tuple[Floats, dict[str, Floats]]]
NewVariate = Callable[..., Floats]

NAMES = limits.CHOICES["strategy"]
AVERAGING = ("fedavg", "fedsgd", "fedprox")  # their server is FedAvg's
TITLES = {
    "fedavg": "FedAvg",
    "fedsgd": "FedSGD",
    "fedprox": "FedProx",
    "scaffold": "SCAFFOLD",
    "fedavgm": "FedAvgM",
    "fedadam": "FedAdam",
}
MOMENTUM_RATE = 0.3
ADAM_RATE = 0.03
ADAM_STATE = {"mean": 0.0, "square": 1e-6}  # tau squared, as Reddi and others (2021) begin


def momentum_step(
    weights: Floats, update: Floats, *, state: Mapping[str, Floats], learning_rate: float
) -> tuple[Floats, dict[str, Floats]]:
    """Return weights and state after a round of FedAvgM (Hsu and others, 2019).

    Parameters
    ----------
    weights, update
        The server's weights and the clients' average update, (size,).
    state
        ``velocity``, (size,).
    learning_rate
        Of the server.
    """
    velocity = 0.9 * state["velocity"] + update
    return weights + learning_rate * velocity, {"velocity": velocity}


class Stepped(FedAvg):
    """A server that takes the average update as a gradient of its own and keeps a state.

    Parameters
    ----------
    step
        ``step(weights, update, *, state, learning_rate)`` returns new weights and a new state,
        all NumPy arrays.
    state
        Names of the arrays that the state holds, and the number that fills each at the start.
    learning_rate
        Of the server, > 0.
    """

    def __init__(
        self, step: ServerStep, *, state: Mapping[str, float], learning_rate: float
    ) -> None:
        self.step, self.first, self.learning_rate = step, dict(state), learning_rate
        self.state: dict[str, Floats] = {}

    def aggregate(self, weights: Tensor, returned: Sequence[Return]) -> Tensor:
        """Return the weights of the next round, (size,)."""
        old = weights.double().numpy()
        update = super().aggregate(weights.double(), returned).numpy() - old
        state = self.state or {name: np.full_like(old, x) for name, x in self.first.items()}
        new, self.state = self.step(old, update, state=state, learning_rate=self.learning_rate)
        return torch.as_tensor(np.asarray(new)).to(weights.dtype)


class Scaffold(FedAvg):
    """SCAFFOLD with control variates of option II (Karimireddy and others, 2020).

    The server's variate is the mean of the clients', each weighted by its samples, as the weights
    are. The variates of clients that never took part are 0 and are not stored.

    Parameters
    ----------
    samples
        Of each client of the federation.
    learning_rate
        Of the clients, > 0.
    new_variate
        ``new_variate(start, end, *, steps, learning_rate, variates)`` returns a client's new
        variate; ``variates`` is the pair of the server's and the client's old one.
    """

    def __init__(
        self, samples: Sequence[int], learning_rate: float, *, new_variate: NewVariate
    ) -> None:
        self.shares = np.asarray(samples, np.float64) / np.sum(samples)
        self.learning_rate, self.new_variate = learning_rate, new_variate
        self.common: Floats | None = None
        self.own: dict[int, Floats] = {}

    def correction(self, client: int) -> Tensor | None:
        """Return the server's variate less the client's, (size,); None in the first round."""
        if self.common is None:
            return None
        own = self.own.get(client)
        return torch.as_tensor(self.common if own is None else self.common - own).float()

    def aggregate(self, weights: Tensor, returned: Sequence[Return]) -> Tensor:
        """Return the weights of the next round, (size,), and renew the variates."""
        start = weights.double().numpy()
        zeros = np.zeros_like(start)
        common = zeros if self.common is None else self.common
        after = common.copy()
        for each in sorted(returned, key=lambda each: each.client):
            old = self.own.get(each.client, zeros)
            end = each.weights.double().numpy()
            new = self.new_variate(
                start,
                end,
                steps=each.steps,
                learning_rate=self.learning_rate,
                variates=(common, old),
            )
            # A copy: kept for thousands of clients, what torch returns takes twice the memory.
            self.own[each.client] = np.array(new)
            after += self.shares[each.client] * (self.own[each.client] - old)
        self.common = after
        return super().aggregate(weights, returned)


def named(
    name: str,
    setting: Setting,
    *,
    parts: Sequence[Sequence[int] | NDArray[np.int64]],
    mu: float = 0.1,
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> tuple[FedAvg, Setting]:
    """Return a fresh server, and the setting with what the strategy changes for its clients.

    Parameters
    ----------
    name
        One of `NAMES`.
    setting
        As for FedAvg.
    parts
        Positions of each client's samples.
    mu
        Pull of FedProx; the others do not use it.
    functions
        ``new_variate`` and ``fed_adam`` in place of the given ones.

    Raises
    ------
    ValueError
        If no strategy has this name, or SCAFFOLD is to take a rate that shrinks.

    Examples
    --------
    >>> _, changed = named("fedsgd", Setting(), parts=[[0, 1], [2]])
    >>> changed.local.epochs, changed.local.batch
    (1, 0)
    """
    if name not in NAMES:
        raise ValueError(f"strategy is {name!r}; give one of {', '.join(NAMES)}")
    own = functions or {}
    local = replace(setting.local, mu=mu if name == "fedprox" else 0.0)
    server = FedAvg()
    if name == "fedsgd":
        local = replace(local, epochs=1, batch=0)
    if name == "scaffold":
        if setting.decay != 1:
            raise ValueError(f"decay is {setting.decay:g}; the variates of scaffold need decay 1")
        variate = own.get("new_variate", drift.new_variate)
        samples = [len(part) for part in parts]
        server = Scaffold(samples, local.learning_rate, new_variate=variate)
    if name == "fedavgm":
        server = Stepped(momentum_step, state={"velocity": 0.0}, learning_rate=MOMENTUM_RATE)
    if name == "fedadam":
        step = own.get("fed_adam", drift.fed_adam)
        server = Stepped(step, state=ADAM_STATE, learning_rate=ADAM_RATE)
    return server, replace(setting, local=local)
