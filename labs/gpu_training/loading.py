"""A loader that is too slow, and what part of a training step is spent waiting for it.

The slowness is a sleep for each batch, as reading from a distant disk is: it needs no processor, so
workers can wait in parallel. Decoding, which needs one, would gain less.
"""

import time
from collections.abc import Callable, Sized
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from course_utils import stats
from course_utils.records import Result
from labs.gpu_training import devices
from labs.gpu_training.workload import Workload

TIMEOUT_S = 60.0  # for one batch of a worker: an error, not a cell that hangs


@dataclass
class SlowBatches(Dataset[tuple[torch.Tensor, torch.Tensor]], Sized):
    """Batches of a workload, each of which takes its time to come.

    Parameters
    ----------
    workload
        Gives the batches.
    delay_s
        Slept for each.
    """

    workload: Workload
    delay_s: float

    def __len__(self) -> int:
        return self.workload.steps

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        time.sleep(self.delay_s)
        return self.workload.batch_of(step)


def waiting_shares(
    workload: Workload, train: Callable[[], None], *, delay_s: float, workers: int
) -> list[float]:
    """Return for each step but the first what part of it was spent waiting for its batch.

    The first also starts the workers.

    Parameters
    ----------
    workload
        Gives batches and steps, at least 2.
    train
        One training step; what it trains on does not matter here.
    delay_s
        Slept for each batch.
    workers
        Processes that load ahead; 0 loads in the training process itself.
    """
    workload.batch_of(0)  # the text is loaded before workers are made
    loader: DataLoader[tuple[torch.Tensor, torch.Tensor]] = DataLoader(
        SlowBatches(workload, delay_s),
        batch_size=None,
        num_workers=workers,
        timeout=TIMEOUT_S if workers else 0.0,
        generator=torch.Generator().manual_seed(0),  # else it draws from the global one
    )
    shares: list[float] = []
    start_s = time.perf_counter()
    for _ in loader:
        loaded_s = time.perf_counter()
        train()
        devices.synchronize()
        end_s = time.perf_counter()
        shares.append((loaded_s - start_s) / (end_s - start_s))
        start_s = end_s
    return shares[1:]


def waiting(
    workload: Workload, train: Callable[[], None], *, delay_s: float, workers: int
) -> Result:
    """Return the median share of `waiting_shares` with its interval.

    Parameters
    ----------
    workload, train, delay_s, workers
        As of `waiting_shares`; at least 6 steps.
    """
    shares = waiting_shares(workload, train, delay_s=delay_s, workers=workers)
    return stats.median_interval(shares).result()
