"""A run of the loop repeated by Flower's simulation, for those who chose that engine.

Both train the same clients on the same batches from the same weights, so that their accuracies
agree after every round; what differs is the time.
"""

from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

import torch

from labs.federated_learning.flower.job import Job
from labs.federated_learning.flower.simulation import SimulationError, simulate
from labs.federated_learning.loop import History, Setting
from labs.federated_learning.strategies import AVERAGING

START_S = 180.0  # until Ray's processes have loaded their data
ROUND_S = 30.0  # more than a round of real speakers takes on two cores


@dataclass(frozen=True)
class Repeated:
    """A history by the engine that was chosen.

    Parameters
    ----------
    history
        Of the run; accuracies and last weights are the chosen engine's.
    difference
        Largest difference between the two engines' accuracies after a round; None without a second.
    round_s, loop_s
        Mean time of a round in Flower's simulation, None without it, and in the loop [s].
    """

    history: History
    difference: float | None
    round_s: float | None
    loop_s: float

    def __str__(self) -> str:
        """Return what was found, one line."""
        loop = f"a round of the loop took {self.loop_s:.2g} s"
        if self.difference is None or self.round_s is None:
            return f"{loop}; engine is loop, so Flower did not repeat it"
        flower = f"one of Flower's simulation {self.round_s:.2g} s"
        return f"{loop}, {flower}; accuracies differ by {self.difference:.4f} at most"


def job_of(setting: Setting, **data: Any) -> Job:
    """Return a run of the loop as a job of Flower's.

    Parameters
    ----------
    setting
        Of the run.
    data
        ``dataset``, ``partition``, ``alpha`` and ``clients``, as of a `Job`.

    Examples
    --------
    >>> job_of(Setting(rounds=5, fraction=0.5), clients=10).setting == Setting(5, 0.5)
    True
    """
    local = setting.local
    return Job(
        **data,
        seed=setting.seed,
        rounds=setting.rounds,
        fraction=setting.fraction,
        epochs=local.epochs,
        batch=local.batch,
        learning_rate=local.learning_rate,
        mu=local.mu,
    )


def repeat(engine: str, history: History, *, strategy: str, job: Job) -> Repeated:
    """Repeat a run in Flower's simulation, if that is the engine.

    Parameters
    ----------
    engine
        ``loop`` changes nothing, ``flower`` repeats.
    history
        What the loop gave.
    strategy
        Of the run; Flower's app of this lab averages, and knows no other server.
    job
        The same run, from `job_of`.

    Raises
    ------
    ValueError
        If the engine is Flower and the strategy's server does not average.
    ExtraMissingError
        Without Flower, if it is asked for.
    SimulationError
        If it does not finish, or a client failed.
    """
    loop_s = mean(history.client_s)
    if engine == "loop":
        return Repeated(history, difference=None, round_s=None, loop_s=loop_s)
    if strategy not in AVERAGING:
        choices = ", ".join(AVERAGING)
        raise ValueError(
            f"strategy is {strategy!r}, which needs engine='loop'; engine='flower' has {choices}"
        )
    found = simulate(job, timeout_s=START_S + ROUND_S * job.rounds)
    if found.failures:
        raise SimulationError(f"{found.failures} answers in Flower's simulation were errors")
    pairs = zip(found.accuracy, history.accuracy, strict=True)
    return Repeated(
        replace(history, accuracy=found.accuracy, weights=torch.from_numpy(found.weights)),
        difference=max(abs(one - other) for one, other in pairs),
        round_s=mean(found.round_s),
        loop_s=loop_s,
    )
