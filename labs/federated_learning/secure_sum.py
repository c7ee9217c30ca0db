"""A sum that shows its terms to nobody: pairwise masks that cancel, also when clients vanish.

Every two clients share a seed; one adds what it expands to, the other subtracts it, on whole
numbers modulo 2**32 (after Bonawitz and others, 2017). Fixed point, masks and their removal are an
exercise and plugged in; here are seeds, the expansion, and the average that uses them all.

The model is honest but curious: everybody follows the protocol, and the server looks at all it
gets. Not here: the key agreement that gives two clients a seed (seeds are derived from one secret),
the secret sharing by which survivors recover a vanished client's seeds without its help (they are
revealed), the second mask that protects a client which was only slow, and proof against clients or
a server that lie. A server that may choose who is in the sum can still learn from it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labs.federated_learning.loop import FedAvg, Return

Words = NDArray[np.uint32]
Seeds = Mapping[int, str]
Expand = Callable[[str, int], Words]
WORD_BYTES = 4
SEED_BYTES = 32  # of a revealed seed
LEAST = 2  # of survivors: a sum of one is that one's message


class SecureSumError(ValueError):
    """A sum that would give a client away."""


@dataclass(frozen=True)
class Functions:
    """The two parts that are plugged in.

    Parameters
    ----------
    masked
        ``masked(x, rank, *, scale, seeds, expand)``: floats to the words that a client sends.
    unmasked
        ``unmasked(total, revealed, *, scale, expand)``: the sum of words to floats.
    """

    masked: Callable[..., Words]
    unmasked: Callable[..., NDArray[np.float64]]


def expand(seed: str, size: int) -> Words:
    """Return the mask that a seed stands for: SHAKE-256, which nobody can tell from chance.

    NumPy's generators would be no mask: they are made for speed, and who sees some of their numbers
    can work out the rest.

    Parameters
    ----------
    seed
        Shared by two clients; for one use only.
    size
        Words.

    Examples
    --------
    >>> expand("a", 2).dtype, bool((expand("a", 2) == expand("a", 3)[:2]).all())
    (dtype('uint32'), True)
    """
    stream = hashlib.shake_256(seed.encode()).digest(WORD_BYTES * size)
    return np.frombuffer(stream, "<u4").astype(np.uint32)


def pair_seeds(clients: Sequence[int], *, secret: int, round_: int) -> dict[int, dict[int, str]]:
    """Return the seeds of a round: for each client, those it shares, by the other's number.

    Parameters
    ----------
    clients
        Who takes part, each once.
    secret
        From which all seeds follow; it stands for the key agreement, which is left out.
    round_
        A seed is used once, so each round has its own.
    """

    def seed(one: int, other: int) -> str:
        text = f"{secret}/{round_}/{min(one, other)}/{max(one, other)}"
        return hashlib.sha256(text.encode()).hexdigest()

    return {one: {other: seed(one, other) for other in clients if other != one} for one in clients}


@dataclass
class SecureAverage(FedAvg):
    """FedAvg whose server sees masked messages and their sum, and loses clients on the way.

    A message holds a client's update times its samples, and its samples, both over `unit`: the
    server learns neither alone.

    Parameters
    ----------
    functions
        What is plugged in.
    unit
        Samples that count as 1; public.
    scale
        Steps of the fixed point in 1.
    dropped
        Clients that vanish in each round, after masks were agreed and before they send.
    seed
        Of the seeds, and of who vanishes.

    Attributes
    ----------
    errors, bounds
        A value a round: the largest difference between the sum and that of the floats, and the
        bound on it, half a step a client.
    last
        The first message that the server saw in the last round.
    last_bytes
        Sent by the survivors in the last round: their messages, and the seeds that they shared
        with who vanished. The vanished send nothing; the key agreement is left out, as above.
    """

    functions: Functions
    unit: float
    scale: float = 2.0**16
    dropped: int = 0
    seed: int = 0
    errors: list[float] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    last: Words = field(default_factory=lambda: np.zeros(0, np.uint32))
    last_bytes: int = 0

    def survivors(self, clients: Sequence[int]) -> list[int]:
        """Return who does not vanish in the coming round, in ascending order.

        Raises
        ------
        SecureSumError
            If fewer than two are left.
        """
        left = len(clients) - self.dropped
        if left < LEAST:
            raise SecureSumError(
                f"{left} of {len(clients)} clients are left for the secure sum; a sum needs "
                f"{LEAST} at least: sample more clients"
            )
        rng = np.random.default_rng((self.seed, len(self.errors)))
        return sorted(rng.choice(np.asarray(clients), left, replace=False).tolist())

    def aggregate(self, weights: Tensor, returned: Sequence[Return]) -> Tensor:
        """Return the average of the survivors' weights, out of a sum of masked messages.

        Parameters
        ----------
        weights
            (size,), those that the clients were sent.
        returned
            From all clients; what the vanished would have sent is not used.
        """
        values = {each.client: self._values(weights, each) for each in returned}
        total = self._secure_sum(values)
        change = torch.from_numpy(total[:-1] / total[-1]).to(weights.dtype)
        return weights + change

    def sent_up(self, carried_bytes: int) -> int:  # noqa: ARG002 - a channel carries no masks
        """Return what the survivors of the last round sent [B], whatever the channel carried."""
        return self.last_bytes

    def _values(self, weights: Tensor, each: Return) -> NDArray[np.float64]:
        share = each.samples / self.unit
        update = (each.weights - weights).double().numpy()
        return np.append(share * update, share)

    def _secure_sum(self, values: Mapping[int, NDArray[np.float64]]) -> NDArray[np.float64]:
        clients = sorted(values)
        alive = self.survivors(clients)
        seeds = pair_seeds(clients, secret=self.seed, round_=len(self.errors))
        messages = {
            each: self.functions.masked(
                values[each], each, scale=self.scale, seeds=seeds[each], expand=expand
            )
            for each in alive
        }
        gone = [each for each in clients if each not in alive]
        revealed = {each: {other: seeds[other][each] for other in alive} for each in gone}
        total = np.add.reduce(list(messages.values()), dtype=np.uint32)
        summed = self.functions.unmasked(total, revealed, scale=self.scale, expand=expand)
        self.last = messages[alive[0]]
        self.last_bytes = sum(WORD_BYTES * len(each) for each in messages.values())
        self.last_bytes += SEED_BYTES * sum(len(seeds) for seeds in revealed.values())
        exact = np.sum([values[each] for each in alive], axis=0)
        self.errors.append(float(np.abs(summed - exact).max()))
        self.bounds.append(len(alive) / (2 * self.scale))
        return np.asarray(summed, np.float64)
