"""What a federation is asked to do, as plain values that travel in Flower's run configuration.

Both apps and the loop take their task from here, so that all three train the same clients in the
same order of samples. Nothing here needs Flower.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from labs.federated_learning import partitions, tasks
from labs.federated_learning.local import Local, Trained, plan, train_many
from labs.federated_learning.loop import Setting

Value = str | int | float
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Job:
    """A run of the lab's task.

    Parameters
    ----------
    dataset, partition, alpha, clients, seed
        As the lab's parameters of the same names.
    rounds, fraction
        Of the run; the share of the clients that is asked in a round.
    epochs, batch, learning_rate, mu
        How a client trains, see `labs.federated_learning.local.Local`.
    least
        Fewest answers of which a round makes new weights; with fewer, the old ones stay.
    round_s
        How long a round waits for answers [s].
    nodes
        Clients that the first round waits for; 0 for all. Later ones are asked once they are there.
    wait_s
        How long a round waits for clients that have not come, or have gone, before it goes on with
        those that are there [s].
    first_round
        Above 1 a run goes on from the weights that `folder` holds of the round before.
    folder
        Where the server writes what it saw, an absolute path; empty for nowhere.
    who
        Pairs ``node=client`` between commas, of nodes that the server need not ask who they are.
    """

    dataset: str = "digits"
    partition: str = "dirichlet"
    alpha: float = 0.3
    clients: int = 3
    seed: int = 0
    rounds: int = 3
    fraction: float = 1.0
    epochs: int = 1
    batch: int = 16
    learning_rate: float = 0.1
    mu: float = 0.0
    least: int = 1
    round_s: float = 60.0
    nodes: int = 0
    wait_s: float = 120.0
    first_round: int = 1
    folder: str = ""
    who: str = ""

    def to_config(self) -> dict[str, Value]:
        """Return the job as a run configuration of Flower, whose keys have hyphens.

        Examples
        --------
        >>> Job(learning_rate=0.5).to_config()["learning-rate"]
        0.5
        """
        return {name.replace("_", "-"): value for name, value in asdict(self).items()}

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> Self:
        """Return the job of a run configuration; what it does not name keeps its default.

        Parameters
        ----------
        config
            By names with hyphens; others than a job's are left alone.

        Examples
        --------
        >>> Job.from_config({"round-s": 5, "other": "x"}).round_s
        5.0
        """
        kinds: dict[str, type] = {each.name: type(each.default) for each in fields(cls)}
        given = {name: config.get(name.replace("_", "-")) for name in kinds}
        return cls(**{name: kinds[name](v) for name, v in given.items() if v is not None})

    def to_arguments(self) -> str:
        """Return the job as `flwr run --run-config` takes it: TOML values, between spaces."""
        pairs = self.to_config().items()
        return " ".join(f"{key}={value!r}" for key, value in pairs).replace("'", '"')

    def known(self) -> dict[int, int]:
        """Return the client of each node in `who`.

        Examples
        --------
        >>> Job(who="71=0,92=1").known()
        {71: 0, 92: 1}
        """
        pairs = (pair.split("=") for pair in self.who.split(",") if pair)
        return {int(node): int(client) for node, client in pairs}

    @property
    def local(self) -> Local:
        """How a client trains."""
        return Local(self.epochs, self.batch, self.learning_rate, self.mu)

    @property
    def setting(self) -> Setting:
        """The same run for `labs.federated_learning.loop`."""
        return Setting(self.rounds, self.fraction, self.local, self.seed)


@lru_cache(maxsize=2)
def load(
    dataset: str, partition: str, *, alpha: float, clients: int, seed: int
) -> tuple[tasks.Task, Sequence[Positions]]:
    """Return task and clients, loaded once in a process.

    Parameters
    ----------
    dataset, partition, alpha, clients, seed
        As those of `Job`.
    """
    task = tasks.load(dataset)
    return task, partitions.deal(task, partition, clients=clients, alpha=alpha, seed=seed)


def load_of(job: Job) -> tuple[tasks.Task, Sequence[Positions]]:
    """Return the task and the clients' positions of a job."""
    return load(job.dataset, job.partition, alpha=job.alpha, clients=job.clients, seed=job.seed)


def train_client(
    job: Job, weights: NDArray[np.float32], *, client: int, round_: int
) -> tuple[Trained, int]:
    """Return what one client has after training, and its number of samples.

    Parameters
    ----------
    job
        Task and training.
    weights
        (size,), as the server sent them.
    client
        Its number, from 0.
    round_
        From 1.

    Raises
    ------
    ValueError
        If the job has no such client.
    """
    task, parts = load_of(job)
    if not 0 <= client < len(parts):
        raise ValueError(f"client is {client}; the job has clients 0 to {len(parts) - 1}")
    mine = parts[client]
    data = [(task.x[mine], task.y[mine])]
    plans = [plan(len(mine), job.local, seed=(job.seed, round_, client))]
    start = torch.from_numpy(np.array(weights, np.float32))
    (trained,) = train_many(task.network, start, data=data, plans=plans, local=job.local)
    return trained, len(mine)
