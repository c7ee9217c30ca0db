"""Whom a server waits for: everyone, a deadline, the first of many, or nobody; on simulated time.

Clients really train, as in `labs.federated_learning.loop`; only the clock is simulated, from the
devices of `labs.federated_learning.devices`. What a server keeps of a round, and how it weighs what
comes late, are functions that are handed in.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labs.federated_learning.devices import HOUR_S, Fleet
from labs.federated_learning.local import Trained, plan, train_many
from labs.federated_learning.loop import FLOAT_BYTES, Setting, accuracy, correct
from labs.federated_learning.tasks import Task

Positions = NDArray[np.int64]
SimulateRound = Callable[[Sequence[float], int, float], Mapping[str, Any]]
WAIT_S = 600.0  # until a server that reaches nobody tries again
GIVE_UP_S = 3600.0  # after which an asynchronous server gives a silent client up
MOST_TRACES = 2  # of simulated time without a single update, after which it gives up itself


@dataclass(frozen=True, eq=False)
class Federation:
    """Who trains what, on which devices.

    Parameters
    ----------
    task
        Data and network.
    parts
        Positions of each client's samples.
    fleet
        One device a client.
    setting
        How clients train, and the seed; rounds and fraction do not count here.
    """

    task: Task
    parts: Sequence[Positions]
    fleet: Fleet
    setting: Setting

    def needed_s(self, client: int) -> float:
        """Return how long a client trains and sends if nothing stops it [s]."""
        samples = self.setting.local.epochs * len(self.parts[client])
        size_bytes = FLOAT_BYTES * self.task.network.size
        return self.fleet.duration_s(client, samples=samples, size_bytes=size_bytes)

    def slowest_quarter(self) -> list[int]:
        """Return the clients that need the longest, a quarter of all, one at least."""
        needed_s = [self.needed_s(client) for client in range(len(self.parts))]
        count = max(1, len(self.parts) // 4)
        return sorted(np.argsort(needed_s, kind="stable")[-count:].tolist())

    def duration_s(self, client: int, *, clock_s: float) -> float:
        """Return when an update arrives after its client was asked [s]; inf if the client is lost.

        Parameters
        ----------
        client
            Its number.
        clock_s
            When it is asked. It is lost if its device goes offline before it is done.
        """
        needed_s = self.needed_s(client)
        is_done = self.fleet.stays(client, from_s=clock_s, to_s=clock_s + needed_s)
        return needed_s if is_done else float("inf")

    def train(self, weights: Tensor, clients: Sequence[int], *, round_: int) -> list[Trained]:
        """Return what some clients have after training from the same weights.

        Parameters
        ----------
        weights
            (size,), as they were sent.
        clients
            Their numbers.
        round_
            From 1; with seed and client it decides the order of samples.
        """
        data = [(self.task.x[self.parts[c]], self.task.y[self.parts[c]]) for c in clients]
        local, seed = self.setting.local, self.setting.seed
        plans = [
            plan(len(y), local, seed=(seed, round_, c))
            for (_, y), c in zip(data, clients, strict=True)
        ]
        return train_many(self.task.network, weights, data=data, plans=plans, local=local)


@dataclass
class Timeline:
    """What a server had at which simulated time; index 0 is before the first round.

    Parameters
    ----------
    clock_s
        End of each round, or of each change of the weights [s].
    accuracy
        Share of the test samples that are right then.
    round_s
        Duration of each round [s].
    wasted_s
        Work of devices that the server did not use [s], all rounds together.
    kept
        How often each client's update was used, (clients,).
    weights
        (size,), the last.
    """

    clock_s: list[float] = field(default_factory=lambda: [0.0])
    accuracy: list[float] = field(default_factory=list)
    round_s: list[float] = field(default_factory=list)
    wasted_s: float = 0.0
    kept: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    weights: Tensor = field(default_factory=lambda: torch.zeros(0))

    def accuracy_at(self, times_s: Sequence[float]) -> list[float]:
        """Return the accuracy of the weights that the server had at some times, 0 or later."""
        last = np.searchsorted(self.clock_s, times_s, side="right") - 1
        return [self.accuracy[at] for at in last]

    def seconds_to(self, target: float) -> float:
        """Return the time at which the accuracy first reached a target [s]; inf if never."""
        reached = (t for t, a in zip(self.clock_s, self.accuracy, strict=True) if a >= target)
        return next(reached, float("inf"))


def synchronous(
    federation: Federation,
    simulate_round: SimulateRound,
    *,
    asked: int,
    wanted: int,
    deadline_s: float,
    rounds: int,
) -> Timeline:
    """Train in rounds, each of which ends as `simulate_round` says.

    Parameters
    ----------
    federation
        Who trains.
    simulate_round
        Takes durations [s], wanted and deadline_s; returns a dict with kept (positions), round_s
        and wasted_s.
    asked
        Clients that are asked in a round, drawn among those online.
    wanted
        Updates that are enough.
    deadline_s
        Longest round [s], finite: a client that is lost never answers.
    rounds
        >= 1.
    """
    _check_online(federation)
    weights = federation.task.network.initial(federation.setting.seed)
    line = _timeline(federation, weights)
    clock_s = 0.0
    for round_ in range(1, rounds + 1):
        seed = (federation.setting.seed, round_, 1)
        while not (chosen := _draw(federation, asked, at_s=clock_s, seed=seed)):
            clock_s += WAIT_S
        durations = [federation.duration_s(client, clock_s=clock_s) for client in chosen]
        enough = min(wanted, len(chosen))
        ended = simulate_round(durations, enough, deadline_s)
        kept = sorted(chosen[position] for position in ended["kept"])
        if kept:
            trained = federation.train(weights, kept, round_=round_)
            shares = torch.tensor([float(len(federation.parts[c])) for c in kept]).double()
            stacked = torch.stack([each.weights for each in trained]).double()
            weights = (shares / shares.sum() @ stacked).to(weights.dtype)
        clock_s += float(ended["round_s"])
        line.round_s.append(float(ended["round_s"]))
        line.wasted_s += float(ended["wasted_s"])
        line.kept[kept] += 1
        _note(line, federation, weights, clock_s=clock_s)
    return line


def asynchronous(
    federation: Federation,
    staleness_weight: Callable[[int], float],
    *,
    busy: int,
    buffer: int,
    changes: int,
) -> Timeline:
    """Train without rounds: the server changes its weights whenever a buffer of updates is full.

    Each update counts by its staleness, the changes since its client was sent the weights, and by
    nothing else (FedBuff, Nguyen and others, 2022; buffer 1 is like FedAsync). Whoever is done is
    replaced at once.

    Parameters
    ----------
    federation
        Who trains.
    staleness_weight
        Weight of an update by its staleness.
    busy
        Clients at work at any time.
    buffer
        Updates of one change.
    changes
        Of the weights, after which to stop; the counterpart of rounds.

    Raises
    ------
    ValueError
        If no device is ever online, or none gets done: a run would never end.
    """
    _check_online(federation)
    state = _Asynchronous(federation, busy)
    line = _timeline(federation, state.weights)
    while len(line.round_s) < changes:
        updates, shares = [], []
        for _ in range(buffer):
            client, update, staleness = state.next_update()
            updates.append(update.double())
            shares.append(float(staleness_weight(staleness)))
            line.kept[client] += 1
        stacked = torch.stack(updates) * torch.tensor(shares).double()[:, None]
        state.weights = (state.weights.double() + stacked.mean(0)).float()
        state.version += 1
        line.round_s.append(state.clock_s - line.clock_s[-1])
        _note(line, federation, state.weights, clock_s=state.clock_s)
    return line


class _Asynchronous:
    """Clients at work, in the order in which they finish or are given up."""

    def __init__(self, federation: Federation, busy: int) -> None:
        self.federation = federation
        self.weights = federation.task.network.initial(federation.setting.seed)
        self.version = 0
        self.clock_s = 0.0
        self.busy = busy
        self.started = 0
        self.at_work: list[tuple[float, int, int, int]] = []  # end, number, client, version
        self.waiting: dict[int, dict[int, int]] = {}  # version -> number -> client, untrained
        self.starts: dict[int, Tensor] = {}
        self.done: dict[int, Tensor] = {}

    def next_update(self) -> tuple[int, Tensor, int]:
        """Return who is done next, its update and its staleness."""
        quiet_s = MOST_TRACES * HOUR_S * self.federation.fleet.online.shape[1]
        last_s = self.clock_s + quiet_s + GIVE_UP_S
        while self.clock_s <= last_s:
            self._fill()
            self.clock_s, number, client, version = heapq.heappop(self.at_work)
            if number not in self.done and number in self.waiting.get(version, {}):
                self._train(version)
            if number in self.done:
                return client, self.done.pop(number), self.version - version
        raise ValueError(
            f"no device got done in {quiet_s / HOUR_S:.0f} simulated hours, each given up after "
            f"{GIVE_UP_S / HOUR_S:g} h; take fewer epochs, or fewer samples a client"
        )

    def _fill(self) -> None:
        while len(self.at_work) < self.busy:
            seed = (self.federation.setting.seed, self.started, 2)
            busy = [client for _, _, client, _ in self.at_work]
            if not (chosen := _draw(self.federation, 1, at_s=self.clock_s, seed=seed, but=busy)):
                if self.at_work:
                    return  # nobody is free now; whoever is at work will be
                self.clock_s += WAIT_S
                continue
            self._start(chosen[0])

    def _start(self, client: int) -> None:
        """Send a client off; one that will be lost is given up after `GIVE_UP_S`."""
        duration_s = self.federation.duration_s(client, clock_s=self.clock_s)
        if duration_s <= GIVE_UP_S:
            self.starts[self.version] = self.weights
            self.waiting.setdefault(self.version, {})[self.started] = client
        end_s = self.clock_s + min(duration_s, GIVE_UP_S)
        heapq.heappush(self.at_work, (end_s, self.started, client, self.version))
        self.started += 1

    def _train(self, version: int) -> None:
        """Train all who started from the same weights together, which is cheaper than singly."""
        some = self.waiting.pop(version)
        start = self.starts[version]
        trained = self.federation.train(start, list(some.values()), round_=version + 1)
        for number, each in zip(some, trained, strict=True):
            self.done[number] = each.weights - start
        needed = set(self.waiting) | {self.version}
        self.starts = {each: kept for each, kept in self.starts.items() if each in needed}


def _draw(
    federation: Federation,
    count: int,
    *,
    at_s: float,
    seed: tuple[int, ...],
    but: Sequence[int] = (),
) -> list[int]:
    """Return at most `count` of those who are online and not busy, in ascending order."""
    free = np.flatnonzero(federation.fleet.is_online(at_s))
    free = np.setdiff1d(free, np.asarray(but, np.int64))
    rng = np.random.default_rng(seed)
    return sorted(rng.choice(free, min(count, len(free)), replace=False).tolist())


def _check_online(federation: Federation) -> None:
    if not federation.fleet.online.any():
        raise ValueError("no device is ever online; draw the fleet with more hours or clients")


def _timeline(federation: Federation, weights: Tensor) -> Timeline:
    return Timeline(
        accuracy=[accuracy(federation.task, weights)],
        kept=np.zeros(len(federation.parts), np.int64),
        weights=weights,
    )


def _note(line: Timeline, federation: Federation, weights: Tensor, *, clock_s: float) -> None:
    line.clock_s.append(clock_s)
    line.accuracy.append(accuracy(federation.task, weights))
    line.weights = weights


def compare(
    federation: Federation,
    simulate_round: SimulateRound,
    *,
    staleness_weight: Callable[[int, float], float],
    rounds: int,
    wanted: int = 10,
) -> dict[str, Timeline]:
    """Return a timeline of each way of waiting.

    Parameters
    ----------
    federation
        Who trains.
    simulate_round, staleness_weight
        What a round keeps, and what late updates count, given an exponent of 0.5.
    rounds
        Of the synchronous servers; the asynchronous one uses as many updates.
    wanted
        Updates of a round, and clients at work at any time.
    """
    needed_s = [federation.needed_s(client) for client in range(len(federation.parts))]
    ways = {
        "all": (wanted, GIVE_UP_S),
        "deadline": (wanted, 1.5 * float(np.median(needed_s))),
        "over-selection": (round(1.3 * wanted), GIVE_UP_S),
    }
    lines = {
        name: synchronous(
            federation,
            simulate_round,
            asked=asked,
            wanted=wanted,
            deadline_s=deadline_s,
            rounds=rounds,
        )
        for name, (asked, deadline_s) in ways.items()
    }
    buffer = max(1, wanted // 2)
    changes, weight = rounds * wanted // buffer, lambda late: staleness_weight(late, 0.5)
    lines["asynchronous"] = asynchronous(
        federation, weight, busy=wanted, buffer=buffer, changes=changes
    )
    return lines


def accuracies_for(task: Task, weights: Tensor, *, parts: Sequence[Positions]) -> list[float]:
    """Return the accuracy that each client sees: of test samples, mixed by class as its own are.

    Parameters
    ----------
    task
        Network and test samples.
    weights
        (size,).
    parts
        Positions of each client's samples. Classes without a test sample are left out.
    """
    right = torch.from_numpy(correct(task, weights)).double()
    tested = torch.bincount(task.y_test, minlength=task.classes).double()
    shares = torch.bincount(task.y_test, right, minlength=task.classes) / tested.clamp(min=1)
    seen = []
    for part in parts:
        mix = torch.bincount(task.y[part], minlength=task.classes).double() * (tested > 0)
        seen.append(float(mix @ shares / mix.sum()))
    return seen
