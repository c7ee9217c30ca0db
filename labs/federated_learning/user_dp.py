"""Federated averaging that hides whether a person took part: sampled, clipped and noisy rounds.

DP-FedAvg with a fixed denominator (McMahan and others, 2018). In each round every client takes part
with the same probability, independently of the others; the sum of the clipped updates gets Gaussian
noise and is divided by the number of clients that are expected. Clipping and noise are an exercise
and plugged in. The server adds the noise, so clients must trust it with their clipped updates.
Noise here follows from a seed, so that a run can be repeated; in earnest nobody may know the seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from labs.federated_learning.local import Local, plan, train_many
from labs.federated_learning.loop import accuracy
from labs.federated_learning.partitions import Positions
from labs.federated_learning.tasks import Task

Floats = NDArray[np.float64]
ClipAndNoise = Callable[..., Floats]


@dataclass(frozen=True)
class Private:
    """A private run.

    Parameters
    ----------
    rounds
        Releases, >= 1.
    noise_multiplier
        Standard deviation of the noise on the sum, over `clip`; 0 for none.
    rate
        Probability that a client takes part in a round, (0, 1].
    clip
        Largest length of a client's update.
    local
        How a client trains.
    seed
        Of clients, sampling and noise.
    """

    rounds: int
    noise_multiplier: float
    rate: float = 0.1
    clip: float = 1.0
    local: Local = field(default_factory=lambda: Local(epochs=3, batch=0, learning_rate=0.5))
    seed: int = 0


@dataclass
class PrivateHistory:
    """What happened, a value a round.

    Parameters
    ----------
    accuracy
        Share of the test samples that are right; index 0 is before the first round.
    came
        Clients that took part.
    clipped
        Share of those whose update was longer than allowed.
    """

    accuracy: list[float] = field(default_factory=list)
    came: list[int] = field(default_factory=list)
    clipped: list[float] = field(default_factory=list)


def simulated_clients(
    parts: Sequence[Positions], *, number: int, samples: int, seed: int
) -> list[Positions]:
    """Return at least so many clients; where there are fewer, made up of the samples of real ones.

    Client k draws its samples with replacement from part k modulo the number of parts. So samples
    occur in several clients, and what hides a simulated client does not hide who wrote a digit: the
    guarantee is that of a federation in which as many clients have samples of their own.

    Parameters
    ----------
    parts
        Positions of each real client's samples.
    number
        Clients that are wanted, >= 1.
    samples
        Of each simulated client.
    seed
        Of the draws.
    """
    if len(parts) >= number:
        return list(parts)
    rng = np.random.default_rng(seed)
    return [np.sort(rng.choice(parts[k % len(parts)], samples)) for k in range(number)]


def train(
    task: Task, parts: Sequence[Positions], *, private: Private, clip_and_noise: ClipAndNoise
) -> PrivateHistory:
    """Train with privacy and return what happened; an update that is not finite counts as zeros.

    Parameters
    ----------
    task
        Data and network.
    parts
        Positions of each client's samples.
    private
        Rounds, noise and how clients train.
    clip_and_noise
        ``clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal)``.

    Raises
    ------
    ValueError
        If the rate is no probability above 0, or there is no round or no client.
    """
    if private.rounds < 1 or not parts:
        raise ValueError(f"{private.rounds} rounds of {len(parts)} clients; give one at least")
    if not 0 < private.rate <= 1:
        raise ValueError(f"rate is {private.rate:g}; give a probability above 0 and up to 1")
    rng = np.random.default_rng(private.seed)
    weights = task.network.initial(private.seed)
    history = PrivateHistory(accuracy=[accuracy(task, weights)])
    for round_ in range(1, private.rounds + 1):
        chosen = np.flatnonzero(rng.random(len(parts)) < private.rate).tolist()
        updates = _updates(task, weights, parts, chosen=chosen, at=(private, round_))
        change = clip_and_noise(
            updates,
            private.clip,
            noise_multiplier=private.noise_multiplier,
            expected_clients=private.rate * len(parts),
            normal=rng.standard_normal,
        )
        weights = weights + torch.from_numpy(np.asarray(change)).to(weights.dtype)
        history.accuracy.append(accuracy(task, weights))
        history.came.append(len(chosen))
        is_long = np.linalg.norm(updates, axis=1) > private.clip
        history.clipped.append(float(is_long.mean()) if len(chosen) else 0.0)
    return history


def _updates(
    task: Task,
    weights: torch.Tensor,
    parts: Sequence[Positions],
    *,
    chosen: Sequence[int],
    at: tuple[Private, int],
) -> Floats:
    private, round_ = at
    if not chosen:
        return np.zeros((0, len(weights)))
    data = [(task.x[parts[each]], task.y[parts[each]]) for each in chosen]
    plans = [
        plan(len(y), private.local, seed=(private.seed, round_, each))
        for each, (_, y) in zip(chosen, data, strict=True)
    ]
    trained = train_many(task.network, weights, data=data, plans=plans, local=private.local)
    updates = np.stack([(each.weights - weights).double().numpy() for each in trained])
    # Clipping bounds no NaN: a single client would show in what is released.
    updates[~np.isfinite(updates).all(axis=1)] = 0.0
    return updates
