"""Federations whose clients have one weight and a parabola: everything has a closed form.

Client i loses a_i / 2 (w - b_i)^2. K steps with rate r shrink the distance to b_i by
(1 - r a_i)^K, so the fixed point of a round can be written down and compared with the optimum of
the average loss. All clients count the same and take part in every round. No network, no noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ClientSteps = Callable[..., Floats]
NewVariate = Callable[..., Floats]


@dataclass(frozen=True)
class Bowl:
    """A client's loss, curvature / 2 (w - centre)^2.

    Parameters
    ----------
    curvature
        > 0.
    centre
        Where the client alone would end.
    """

    curvature: float
    centre: float

    def gradient(self, weights: Floats) -> Floats:
        """Return the slope at some weights, same shape.

        Examples
        --------
        >>> float(Bowl(4, 10).gradient(np.array(8.0)))
        -8.0
        """
        return self.curvature * (weights - self.centre)


@dataclass(frozen=True)
class Work:
    """What every client does in a round.

    Parameters
    ----------
    steps
        >= 1.
    learning_rate
        > 0.
    mu
        Pull of FedProx.
    """

    steps: int
    learning_rate: float
    mu: float = 0.0


TWO = (Bowl(curvature=1, centre=0), Bowl(curvature=4, centre=10))


def optimum(bowls: Sequence[Bowl]) -> float:
    """Return where the average loss is least: the centres' mean, weighted by curvature.

    Examples
    --------
    >>> optimum([Bowl(1, 0), Bowl(4, 10)])
    8.0
    """
    curvatures = [each.curvature for each in bowls]
    return float(np.average([each.centre for each in bowls], weights=curvatures))


def fixed_point(bowls: Sequence[Bowl], work: Work) -> float:
    """Return where rounds of FedAvg, or of FedProx with mu above 0, come to rest.

    A client moves by q_i (b_i - w) with q_i = a_i / (a_i + mu) (1 - (1 - r (a_i + mu))^K); the
    round rests where these cancel, at the mean of the centres weighted by q_i.

    Parameters
    ----------
    bowls
        The clients.
    work
        Steps, rate and pull.

    Examples
    --------
    >>> fixed_point([Bowl(1, 0), Bowl(4, 10)], Work(1, 0.1))
    8.0
    """
    stiff = np.array([each.curvature + work.mu for each in bowls])
    reach = 1 - (1 - work.learning_rate * stiff) ** work.steps
    reach *= np.array([each.curvature for each in bowls]) / stiff
    return float(np.average([each.centre for each in bowls], weights=reach))


def averaged(
    client_steps: ClientSteps, bowls: Sequence[Bowl], *, work: Work, rounds: int
) -> Floats:
    """Return the average after each round of FedAvg or FedProx, (rounds + 1,), from 0.

    Parameters
    ----------
    client_steps
        As in exercise 3.4.
    bowls
        The clients.
    work
        Steps, rate and pull.
    rounds
        >= 1.
    """
    path = [np.zeros(1)]
    for _ in range(rounds):
        ends = [_ended(client_steps, each, path[-1], work=work) for each in bowls]
        path.append(np.mean(ends, axis=0))
    return np.concatenate(path)


def controlled(
    client_steps: ClientSteps,
    new_variate: NewVariate,
    *,
    bowls: Sequence[Bowl],
    work: Work,
    rounds: int,
) -> Floats:
    """Return the average after each round of SCAFFOLD, (rounds + 1,), from 0.

    Parameters
    ----------
    client_steps, new_variate
        As in exercise 3.4.
    bowls
        The clients.
    work
        Steps and rate.
    rounds
        >= 1.
    """
    path, own = [np.zeros(1)], [np.zeros(1) for _ in bowls]
    for _ in range(rounds):
        start, common = path[-1], np.mean(own, axis=0)
        ends = [
            _ended(client_steps, bowl, start, work=work, correction=common - variate)
            for bowl, variate in zip(bowls, own, strict=True)
        ]
        own = [
            np.asarray(
                new_variate(
                    start,
                    end,
                    steps=work.steps,
                    learning_rate=work.learning_rate,
                    variates=(common, variate),
                )
            )
            for end, variate in zip(ends, own, strict=True)
        ]
        path.append(np.mean(ends, axis=0))
    return np.concatenate(path)


def walks(
    client_steps: ClientSteps, new_variate: NewVariate, *, mu: float, rounds: int = 30
) -> dict[str, Floats]:
    """Return the average of the clients in `TWO` after each round, by strategy, 10 steps a round.

    Parameters
    ----------
    client_steps, new_variate
        As in exercise 3.4.
    mu
        Pull of FedProx.
    rounds
        >= 1.
    """
    plain, pulled = Work(10, 0.1), Work(10, 0.1, mu)
    return {
        "FedAvg": averaged(client_steps, TWO, work=plain, rounds=rounds),
        "FedProx": averaged(client_steps, TWO, work=pulled, rounds=rounds),
        "SCAFFOLD": controlled(client_steps, new_variate, bowls=TWO, work=plain, rounds=rounds),
    }


def _ended(
    client_steps: ClientSteps,
    bowl: Bowl,
    start: Floats,
    *,
    work: Work,
    correction: Floats | float = 0.0,
) -> Floats:
    end = client_steps(
        bowl.gradient,
        start,
        steps=work.steps,
        learning_rate=work.learning_rate,
        mu=work.mu,
        correction=correction,
    )
    return np.asarray(end, np.float64)
