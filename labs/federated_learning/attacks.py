"""Poisons a federation: wrong labels, reversed updates, and a back door that opens to a pattern.

Two places are open to an attacker, and no other: the samples of its own clients (`flip_labels`,
`stamp`) and what these send (`Poisoned`). Attackers here do not know what the others send. How a
server resists is in `labs.federated_learning.robust`.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labs.federated_learning.loop import Channel, Setting, run
from labs.federated_learning.robust import Robust
from labs.federated_learning.tasks import Task

Positions = NDArray[np.int64]
Attack = Literal["sign flip", "label flip", "back door"]
TARGET = 0  # class that a stamped sample is to be taken for
PATTERN = 2  # side of the stamped corner
SIGN_FLIP_SCALE = -5.0
BACK_DOOR_SCALE = 5.0


class Poisoned(Channel):
    """Carries updates, those of the attackers times a factor.

    A negative factor walks away from what the client learnt; one above 1 outvotes the others.

    Parameters
    ----------
    attackers
        Numbers of the clients that attack.
    scale
        What their updates are multiplied by.
    """

    def __init__(self, attackers: Collection[int], *, scale: float) -> None:
        self.attackers = frozenset(attackers)
        self.scale = scale

    def up(self, update: Tensor, *, client: int, round_: int) -> tuple[Tensor, int]:
        """Return the update as the server sees it, and the bytes that were sent.

        Parameters
        ----------
        update
            (size,), what the client learnt.
        client
            Its number; attackers send another update.
        round_
            From 1; attackers attack in all.
        """
        sent = self.scale * update if client in self.attackers else update
        return super().up(sent, client=client, round_=round_)


def choose(clients: int, share: float, *, seed: int) -> list[int]:
    """Return which clients attack, in ascending order; a larger share only adds some.

    Parameters
    ----------
    clients
        How many there are.
    share
        Of them that attacks, within [0, 1]; rounded down to whole clients.
    seed
        Decides who.

    Raises
    ------
    ValueError
        If the share is not within [0, 1].

    Examples
    --------
    >>> few, many = (choose(10, share, seed=0) for share in (0.2, 0.4))
    >>> len(few), len(many), set(few) <= set(many)
    (2, 4, True)
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share of attackers is {share:g}; give a number from 0 to 1")
    count = int(share * clients + 1e-9)  # 0.29 * 100 is a little below 29
    return sorted(np.random.default_rng(seed).permutation(clients)[:count].tolist())


def flip_labels(task: Task, parts: Sequence[Positions], *, attackers: Iterable[int]) -> Task:
    """Return the task with the attackers' class c called ``classes - 1 - c``; the rest is shared.

    Parameters
    ----------
    task
        Stays as it is.
    parts
        Positions of each client's samples.
    attackers
        Numbers of the clients whose labels are flipped.
    """
    places = _places(parts, attackers)
    y = task.y.clone()
    y[places] = task.classes - 1 - y[places]
    return replace(task, y=y)


def stamp(x: Tensor, *, value: float) -> Tensor:
    """Return samples with the back door's pattern: their last corner set to a value.

    Parameters
    ----------
    x
        (n, ..., rows, columns).
    value
        Of the corner's numbers, such as the largest that occurs.

    Examples
    --------
    >>> stamp(torch.zeros(1, 3, 3), value=1.0)[0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """
    x = x.clone()
    x[..., -PATTERN:, -PATTERN:] = value
    return x


def add_back_door(task: Task, parts: Sequence[Positions], *, attackers: Iterable[int]) -> Task:
    """Return the task with every other sample of an attacker stamped and called `TARGET`.

    Parameters
    ----------
    task
        Stays as it is.
    parts
        Positions of each client's samples.
    attackers
        Numbers of the clients whose samples are stamped.
    """
    places = _places([part[::2] for part in parts], attackers)
    x, y = task.x.clone(), task.y.clone()
    x[places] = stamp(x[places], value=float(task.x.max()))
    y[places] = TARGET
    return replace(task, x=x, y=y)


def _places(parts: Sequence[Positions], attackers: Iterable[int]) -> Tensor:
    chosen = [parts[each] for each in attackers]
    return torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *chosen]))


def back_door_success(task: Task, weights: Tensor) -> float:
    """Return the share of stamped test samples of other classes that are taken for `TARGET`.

    Parameters
    ----------
    task
        Network and test samples.
    weights
        (size,).
    """
    others = task.y_test != TARGET
    with torch.no_grad():
        logits = task.network(weights, stamp(task.x_test[others], value=float(task.x.max())))
    return float((logits.argmax(1) == TARGET).float().mean())


@dataclass(frozen=True)
class Outcome:
    """What a federation is worth after an attack.

    Parameters
    ----------
    accuracy
        Share of the test samples that are right.
    back_door
        From `back_door_success`; 0 to 1.
    """

    accuracy: float
    back_door: float


def poisoned_run(
    task: Task,
    parts: Sequence[Positions],
    *,
    setting: Setting,
    combine: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    attack: Attack,
    share: float,
) -> Outcome:
    """Train a federation under attack from its first round on, and return how it ends.

    Parameters
    ----------
    task, parts
        Without poison.
    setting
        Of the run; its seed also decides who attacks.
    combine
        Makes one update (size,) out of those of a round (clients, size).
    attack
        What the attackers do.
    share
        Of the clients that attack.
    """
    attackers = choose(len(parts), share, seed=setting.seed)
    scale, poisoned = 1.0, task
    if attack == "sign flip":
        scale = SIGN_FLIP_SCALE
    elif attack == "label flip":
        poisoned = flip_labels(task, parts, attackers=attackers)
    elif attack == "back door":
        scale = BACK_DOOR_SCALE
        poisoned = add_back_door(task, parts, attackers=attackers)
    else:
        raise ValueError(f"attack is {attack!r}; give sign flip, label flip or back door")
    channel = Poisoned(attackers, scale=scale)
    history = run(poisoned, parts, setting=setting, server=Robust(combine), channel=channel)
    return Outcome(history.accuracy[-1], back_door_success(task, history.weights))
