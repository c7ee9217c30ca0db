"""A slow loader: what waits, what does not, and that batches are those of the workload."""

import time

import pytest
import torch

from labs.gpu_training import loading
from labs.gpu_training.workload import Workload

# Worker processes are forked on Linux; newer Pythons warn where threads are running as well.
pytestmark = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)


def test_batches_are_those_of_the_workload_in_order() -> None:
    workload = Workload(batch=2, steps=3)
    batches = loading.SlowBatches(workload, delay_s=0.0)
    assert len(batches) == 3
    for step in range(3):
        for have, want in zip(batches[step], workload.batch_of(step), strict=True):
            assert torch.equal(have, want)


def test_a_step_that_takes_no_time_is_all_waiting() -> None:
    shares = loading.waiting_shares(
        Workload(batch=1, steps=4), lambda: None, delay_s=0.02, workers=0
    )
    assert len(shares) == 3
    assert min(shares) > 0.5


def test_a_worker_loads_while_the_step_runs() -> None:
    # Sleeps end late but never early: the step gives the worker ten times what it needs.
    workload = Workload(batch=1, steps=7)
    found = loading.waiting(workload, lambda: time.sleep(0.1), delay_s=0.01, workers=1)
    assert found.n == 6
    assert found.value < 0.5


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    loading.waiting_shares(Workload(batch=1, steps=2), lambda: None, delay_s=0.0, workers=0)
    assert torch.equal(torch.get_rng_state(), before)
