"""Measures how far clients pull apart, and which strategies need fewer rounds for it.

Updates of all clients from the same weights; rounds to a target by strategy and seed. Samples are
at most `MOST`, dealt artificially, so that a sweep stays short on large data. By which function
updates are compared is the caller's choice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_utils import records, stats
from labs.federated_learning import loop, partitions, strategies
from labs.federated_learning.local import Local, is_dense, plan, train_many
from labs.federated_learning.tasks import Task

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]
Cosine = Callable[[Floats], float]
MOST = 1500  # samples that are dealt
MOST_TESTED = 1000
SMALL = 10_000  # weights of a network that trains within milliseconds
CONTROL = "FedAvg, rate x 3"
CLIENTS = 10
WARM_ROUNDS = 5  # before updates are compared: from fresh weights all clients learn the same first


@dataclass(frozen=True)
class Entry:
    """A strategy in a race.

    Parameters
    ----------
    strategy
        Of `strategies.NAMES`.
    learning_rate
        Of its clients, > 0.
    """

    strategy: str
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Effort:
    """How much a section can afford.

    Parameters
    ----------
    seeds
        Of the comparison of updates.
    race_seeds
        Of the race.
    alphas, steps
        Over which updates are compared.
    norm_rounds
        Of the federations with BatchNorm.
    """

    seeds: range
    race_seeds: range
    alphas: tuple[float, ...]
    steps: tuple[int, ...]
    norm_rounds: int


def effort(task: Task, rounds: int, *, alpha: float, seed: int) -> Effort:
    """Return more for a small network and long runs, less for others.

    Parameters
    ----------
    task
        Whose network decides.
    rounds
        Of the notebook's runs; below 20 it only tries whether everything works.
    alpha
        Stands among the values that are compared.
    seed
        The first.
    """
    is_long = rounds >= 20
    is_dense_ = is_dense(task.network, task.network.initial(seed))  # convolutions take long
    is_small = is_long and is_dense_ and task.network.size < SMALL
    alphas = {0.1, 1.0, 100.0, alpha} if is_long else {1.0, alpha}
    if is_small:
        alphas.add(10.0)
    return Effort(
        seeds=range(seed, seed + (4 if is_small else 2)),
        race_seeds=range(seed, seed + (6 if is_small else 2)),
        alphas=tuple(sorted(alphas)),
        steps=((1, 10, 50) if is_dense_ else (1, 10, 25)) if is_long else (1, 10),
        norm_rounds=10 if is_long else 2,
    )


def entries(own: str) -> dict[str, Entry]:
    """Return FedAvg, those that answer drift, one strategy more, and a control with a higher rate.

    Parameters
    ----------
    own
        The notebook's strategy, of `strategies.NAMES`.
    """
    names = dict.fromkeys(["fedavg", "fedprox", "scaffold", "fedavgm", "fedadam", own])
    found = {strategies.TITLES[name]: Entry(name) for name in names}
    return found | {CONTROL: Entry("fedavg", learning_rate=0.3)}


def fewer(task: Task, most: int = MOST, *, seed: int) -> Task:
    """Return a task with at most so many training samples, fewer test samples, and no owners.

    Parameters
    ----------
    task
        Any.
    most
        >= 1.
    seed
        Decides which samples stay.
    """
    rng = np.random.default_rng(seed)
    kept, tested = (
        torch.from_numpy(np.sort(rng.permutation(len(labels))[:count]))
        for labels, count in ((task.y, most), (task.y_test, MOST_TESTED))
    )
    few = replace(task, x=task.x[kept], y=task.y[kept], owners=None)
    return replace(few, x_test=task.x_test[tested], y_test=task.y_test[tested])


def updates(
    task: Task, parts: Sequence[Positions], *, weights: Tensor, local: Local, seed: int
) -> Floats:
    """Return what every client changes in one round from the same weights, (clients, size).

    Parameters
    ----------
    task
        Data and network.
    parts
        Each client's samples.
    weights
        What all are sent, (size,).
    local
        How they train.
    seed
        Decides the order of their samples.
    """
    data = [(task.x[part], task.y[part]) for part in parts]
    plans = [plan(len(part), local, seed=(seed, 0, i)) for i, part in enumerate(parts)]
    trained = train_many(task.network, weights, data=data, plans=plans, local=local)
    return np.stack([(each.weights - weights).double().numpy() for each in trained])


def cosines(
    task: Task, cosine: Cosine, *, alphas: Sequence[float], steps: Sequence[int], seeds: range
) -> dict[int, list[tuple[float, records.Result]]]:
    """Return the mean cosine of updates by local steps and alpha, with its interval over seeds.

    A step takes all samples of its client, so nothing but the data differs. A seed decides the
    weights and the partition. The weights come from a few rounds on an even partition, so that no
    client has had its way before.

    Parameters
    ----------
    task
        Data and network.
    cosine
        ``update_cosine`` of exercise 3.4.
    alphas
        Of the Dirichlet partition, > 0.
    steps
        Of each client, >= 1.
    seeds
        Two or more.
    """
    found: dict[tuple[int, float], list[float]] = {}
    for seed in seeds:
        few = fewer(task, seed=seed)
        labels = few.y.numpy()
        even = partitions.iid(labels, clients=CLIENTS, seed=seed)
        warm = loop.run(few, even, setting=loop.Setting(rounds=WARM_ROUNDS, seed=seed)).weights
        for alpha in alphas:
            parts = partitions.dirichlet(labels, clients=CLIENTS, alpha=alpha, seed=seed)
            for each in steps:
                local = Local(epochs=each, batch=0)
                changed = updates(few, parts, weights=warm, local=local, seed=seed)
                found.setdefault((each, alpha), []).append(float(cosine(changed)))
    return {
        each: [(a, stats.mean_interval(found[each, a]).result()) for a in alphas] for each in steps
    }


def race(
    task: Task,
    entries: Mapping[str, Entry],
    *,
    setting: loop.Setting,
    dealt: Mapping[int, Sequence[Positions]],
    options: Mapping[str, Any],
) -> dict[str, Floats]:
    """Return the test accuracy of each entry after each round, (seeds, rounds + 1).

    With the same seed all entries have the same partition, first weights and chosen clients.

    Parameters
    ----------
    task
        Data and network.
    entries
        By the names under which they are shown.
    setting
        Rounds and how clients train, but for their learning rate.
    dealt
        The partition by seed; one run each.
    options
        ``mu`` and ``functions`` of `strategies.named`.
    """
    accuracies: dict[str, list[list[float]]] = {name: [] for name in entries}
    for seed, parts in dealt.items():
        for name, entry in entries.items():
            local = replace(setting.local, learning_rate=entry.learning_rate)
            own = replace(setting, local=local)
            server, own = strategies.named(entry.strategy, own, parts=parts, **options)
            history = loop.run(task, parts, setting=replace(own, seed=seed), server=server)
            accuracies[name].append(history.accuracy)
    return {name: np.array(rows) for name, rows in accuracies.items()}


def rounds_to(accuracies: Floats, target: float) -> list[int]:
    """Return the first round of each run with the target accuracy, one more than all if none has.

    Parameters
    ----------
    accuracies
        (runs, rounds + 1), the first before any round.
    target
        Share of the test samples.

    Examples
    --------
    >>> rounds_to(np.array([[0.1, 0.6, 0.9], [0.1, 0.2, 0.3]]), 0.8)
    [2, 3]
    """
    reached = np.asarray(accuracies) >= target
    return [int(row.argmax()) if row.any() else len(row) for row in reached]


def gains(rounds: Mapping[str, Sequence[int]], *, against: str) -> dict[str, stats.Interval]:
    """Return how many rounds each other strategy saves, paired by seed.

    The intervals hold together with 95 %: each one's level is raised by Bonferroni's rule. So the
    best of them may be picked afterwards.

    Parameters
    ----------
    rounds
        Rounds to the target by strategy, a run a seed, in the same order; two seeds or more.
    against
        The strategy that the others are compared with.
    """
    others = [name for name in rounds if name != against]
    level = 1 - 0.05 / len(others)
    base = np.asarray(rounds[against])
    return {
        name: stats.mean_interval(base - np.asarray(rounds[name]), level=level) for name in others
    }


def verdict(saved: stats.Interval) -> str:
    """Return what an interval of saved rounds allows to say.

    Examples
    --------
    >>> verdict(stats.mean_interval([3, 4, 5]))
    'fewer rounds'
    >>> verdict(stats.mean_interval([-3, 4, 1]))
    'none'
    """
    if saved.low > 0:
        return "fewer rounds"
    return "more rounds" if saved.high < 0 else "none"


def standings(rounds: Mapping[str, Sequence[int]]) -> tuple[list[dict[str, str]], stats.Interval]:
    """Return a table's rows, and what the best strategy saves; FedAvg and its control are none.

    Parameters
    ----------
    rounds
        Rounds to the target by strategy, as for `gains`.
    """
    saved = gains(rounds, against="FedAvg")
    rows = []
    for name, needed in rounds.items():
        each = saved.get(name)  # none for FedAvg, whose row must have all columns: it is the first
        row = {"strategy": name, "rounds, by seed": ", ".join(map(str, needed))}
        row["saved, mean"] = f"{each.value:.1f}" if each else ""
        row["interval"] = f"{each.low:.1f} to {each.high:.1f}" if each else ""
        rows.append(row | {"verdict": verdict(each) if each else ""})
    able = [each for name, each in saved.items() if name != CONTROL]
    return rows, max(able, key=lambda each: each.value)
