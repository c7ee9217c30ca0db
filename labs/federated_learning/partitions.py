"""Deals samples to clients: evenly, in unequal amounts, by class, or by who owns them.

A partition is a list of arrays of positions, one a client; together they hold each sample exactly
once. Nothing is copied: clients are descriptions, thousands of them cost little. How unequal the
parts are is measured in `labs.federated_learning.label_skew`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.federated_learning import limits
from labs.federated_learning.tasks import NOBODY, Task

Positions = NDArray[np.int64]
Labels = NDArray[np.int64]
Floats = NDArray[np.float64]
TRIES = 1000
SHARDS_A_CLIENT = 2  # as in McMahan and others (2017)
SPREAD = (
    1.0  # of the logarithm of the clients' sizes: two thirds within a factor of e of the middle
)
SUM_ERROR = 1e-6  # shares that miss 1 by more were never meant to add up to it


class PartitionError(ValueError):
    """Samples that cannot be dealt as asked for."""


def iid(labels: Labels, *, clients: int, seed: int) -> list[Positions]:
    """Return parts of (almost) the same size, drawn without looking at the classes.

    Parameters
    ----------
    labels
        (n,).
    clients
        1 to n.
    seed
        Decides the order.

    Raises
    ------
    PartitionError
        If there are fewer samples than clients.
    """
    _check(labels, clients)
    order = np.random.default_rng(seed).permutation(len(labels))
    return [np.sort(part) for part in np.array_split(order, clients)]


def quantity(labels: Labels, *, clients: int, seed: int, spread: float = SPREAD) -> list[Positions]:
    """Return parts of unequal sizes, drawn without looking at the classes.

    The sizes follow a log-normal distribution: few clients have much, most have little.

    Parameters
    ----------
    labels
        (n,).
    clients
        1 to n; each gets one sample at least.
    seed
        Decides sizes and order.
    spread
        Standard deviation of the logarithm of the sizes, >= 0; 0 makes them equal.

    Raises
    ------
    PartitionError
        If there are fewer samples than clients, or the spread is negative or not finite.
    """
    _check(labels, clients)
    if not (spread >= 0 and np.isfinite(spread)):
        raise PartitionError(f"spread is {spread:g}; give a finite number of at least 0")
    rng = np.random.default_rng(seed)
    logarithms = spread * rng.standard_normal(clients)
    weights = np.exp(logarithms - logarithms.max())  # the largest is 1: no overflow
    sizes = 1 + apportion(weights / weights.sum(), len(labels) - clients)
    order = rng.permutation(len(labels))
    return [np.sort(part) for part in np.split(order, np.cumsum(sizes)[:-1])]


def shards(
    labels: Labels,
    *,
    clients: int,
    seed: int,
    per_client: int = SHARDS_A_CLIENT,
    deal: Callable[..., Sequence[Any]] | None = None,
) -> list[Positions]:
    """Return parts made of some runs of samples that are sorted by class.

    With two shards most clients know one or two classes (McMahan and others, 2017).

    Parameters
    ----------
    labels
        (n,).
    clients, per_client
        How many clients, with how many shards each; no more shards than samples.
    seed
        Decides which shards go together, and which samples of a class.
    deal
        ``deal(labels, order, per_client)``; `deal_shards` without it.

    Raises
    ------
    PartitionError
        If there are fewer samples than shards.
    """
    _check(labels, clients, least=per_client)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(labels))
    order = rng.permutation(clients * per_client)
    return _back(shuffled, (deal or deal_shards)(labels[shuffled], order, per_client))


def deal_shards(labels: Labels, order: NDArray[np.int64], per_client: int) -> list[Positions]:
    """Return parts made of runs of the samples in the order of their classes.

    Parameters
    ----------
    labels
        (n,).
    order
        (shards,): a permutation; its first `per_client` numbers are the first client's shards.
    per_client
        Shards of each client.

    Examples
    --------
    >>> [part.tolist() for part in deal_shards(np.array([1, 0, 1, 0]), np.array([3, 0, 2, 1]), 2)]
    [[2, 1], [0, 3]]
    """
    pieces = np.array_split(np.argsort(labels, kind="stable"), len(order))
    rows = np.reshape(order, (-1, per_client))
    return [np.concatenate([pieces[number] for number in row]) for row in rows]


def dirichlet(
    labels: Labels,
    *,
    clients: int,
    alpha: float,
    seed: int,
    least: int = 2,
    deal: Callable[..., Sequence[Any]] | None = None,
) -> list[Positions]:
    """Return parts whose shares of each class are drawn from a Dirichlet distribution.

    Small alpha: few clients have most of a class; large alpha: all have alike. As in Yurochkin and
    others (2019, arXiv:1905.12022); the sizes of the clients differ, too.

    Parameters
    ----------
    labels
        (n,).
    clients
        1 to n / least.
    alpha
        > 0.
    seed
        Decides the draw.
    least
        Samples of the smallest part; drawn again until all have them.
    deal
        ``deal(labels, shares)``; `deal_by_shares` without it.

    Raises
    ------
    PartitionError
        If alpha is not above 0, or no draw leaves every client enough.
    """
    _check(labels, clients, least=least)
    if not (alpha > 0 and np.isfinite(alpha)):
        raise PartitionError(f"alpha is {alpha:g}; give a finite number above 0")
    rng = np.random.default_rng(seed)
    _, counts = np.unique(labels, return_counts=True)
    for _ in range(TRIES):
        shares = rng.dirichlet([alpha] * clients, size=len(counts))
        dealt = [apportion(row, count) for row, count in zip(shares, counts, strict=True)]
        if np.sum(dealt, axis=0).min() >= least:
            shuffled = rng.permutation(len(labels))
            return _back(shuffled, (deal or deal_by_shares)(labels[shuffled], shares))
    raise PartitionError(
        f"no draw in {TRIES} gives each of {clients} clients {least} samples at alpha {alpha:g}; "
        "take a larger alpha or fewer clients"
    )


def deal_by_shares(labels: Labels, shares: Floats) -> list[Positions]:
    """Return parts that hold given shares of each class, as near as whole samples can.

    Parameters
    ----------
    labels
        (n,).
    shares
        (classes, clients), rows in the order of the classes' numbers, each adding up to 1.

    Examples
    --------
    >>> labels = np.array([7, 7, 4, 7, 4, 7])
    >>> [part.tolist() for part in deal_by_shares(labels, np.array([[1, 0], [0.5, 0.5]]))]
    [[2, 4, 0, 1], [3, 5]]
    """
    parts: list[list[Positions]] = [[] for _ in range(np.shape(shares)[1])]
    for label, row in zip(np.unique(labels), shares, strict=True):
        places = np.flatnonzero(labels == label)
        cuts = np.cumsum(apportion(row, len(places)))[:-1]
        for part, piece in zip(parts, np.split(places, cuts), strict=True):
            part.append(piece)
    return [np.concatenate(part) for part in parts]


def apportion(shares: Floats, total: int) -> NDArray[np.int64]:
    """Return whole numbers that add up to the total, each within one of its share.

    Each is rounded down; what is left goes, one each, to the largest remainders (Hamilton's way of
    dealing seats).

    Parameters
    ----------
    shares
        (k,), none negative, together 1.
    total
        >= 0.

    Raises
    ------
    PartitionError
        If the shares do not add up to 1.

    Examples
    --------
    >>> apportion(np.array([0.5, 0.26, 0.24]), 10).tolist()
    [5, 3, 2]
    """
    if not abs(float(np.sum(shares)) - 1) <= SUM_ERROR:
        raise PartitionError(f"shares add up to {np.sum(shares):g}; give shares that add up to 1")
    exact = np.asarray(shares, dtype=np.float64) * total
    whole = np.floor(exact).astype(np.int64)
    left = total - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
    return whole


def by_owner(owners: Sequence[str] | NDArray[np.str_]) -> dict[str, Positions]:
    """Return the positions of each owner's samples, owners in alphabetical order.

    Samples of nobody (an empty name) are nobody's.
    """
    names, numbers = np.unique(np.asarray(owners), return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    pieces = np.split(order, np.cumsum(np.bincount(numbers))[:-1])
    return {str(name): part for name, part in zip(names, pieces, strict=True) if name != NOBODY}


def among_owners(owners: Sequence[str] | NDArray[np.str_], *, seed: int) -> list[Positions]:
    """Return each owner's samples, and those of nobody dealt to all of them as evenly as possible.

    Parameters
    ----------
    owners
        (n,), text; an empty one is nobody's sample, such as a clip of silence.
    seed
        Decides who gets which sample of nobody.

    Raises
    ------
    PartitionError
        If no sample has an owner.
    """
    own = list(by_owner(owners).values())
    if not own:
        raise PartitionError(f"{len(owners):,} samples and no owner; name one, or deal by class")
    rng = np.random.default_rng(seed)
    free = rng.permutation(np.flatnonzero(np.asarray(owners) == NOBODY))
    lucky = np.resize(rng.permutation(len(own)), len(free))  # everybody once, then once more ...
    return [np.sort(np.append(part, free[lucky == client])) for client, part in enumerate(own)]


def deal(task: Task, partition: str, *, clients: int, alpha: float, seed: int) -> list[Positions]:
    """Return the clients' samples: by owner where samples have one, else as `partition` says.

    Parameters
    ----------
    task
        Whose training samples are dealt.
    partition
        ``iid``, ``quantity``, ``shards`` or ``dirichlet``.
    clients, alpha, seed
        Of samples without owners; `alpha` matters to ``dirichlet`` alone, and where there are
        owners only the seed matters, to samples of nobody.

    Raises
    ------
    PartitionError
        If there is no such partition, or it is impossible.
    """
    if task.owners is not None:
        return among_owners(task.owners, seed=seed)
    return deal_labels(task.y.numpy(), partition, clients=clients, alpha=alpha, seed=seed)


def deal_labels(
    labels: Labels, partition: str, *, clients: int, alpha: float, seed: int
) -> list[Positions]:
    """Return the clients' samples as `deal` does for samples without owners.

    Parameters
    ----------
    labels
        (n,).
    partition, clients, alpha, seed
        As for `deal`.

    Raises
    ------
    PartitionError
        If there is no such partition, or it is impossible.
    """
    if partition == "dirichlet":
        return dirichlet(labels, clients=clients, alpha=alpha, seed=seed)
    kinds: dict[str, Callable[..., list[Positions]]] = {
        "iid": iid,
        "quantity": quantity,
        "shards": shards,
    }
    if partition not in kinds:
        known = ", ".join(limits.CHOICES["partition"])
        raise PartitionError(f"partition is {partition!r}; give one of {known}")
    return kinds[partition](labels, clients=clients, seed=seed)


def _check(labels: Labels, clients: int, *, least: int = 1) -> None:
    most = len(labels) // max(1, least)
    if not 1 <= clients <= most:
        each = "" if least <= 1 else f" of at least {least} samples each"
        raise PartitionError(
            f"{len(labels):,} samples cannot be dealt to {clients:,} clients{each}; give 1 to "
            f"{most:,} clients"
        )


def _back(shuffled: Positions, parts: Sequence[Any]) -> list[Positions]:
    """Return parts of shuffled samples as positions before the shuffle, in ascending order."""
    return [np.sort(shuffled[np.asarray(part, dtype=np.int64)]) for part in parts]
