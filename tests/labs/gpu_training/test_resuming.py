"""A job in a process group of one rank: killed in a copy of itself, resumed bit for bit."""

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import distributed as dist

from labs.gpu_training import checkpoints, resuming
from labs.gpu_training.given.failing import pack, unpack
from labs.gpu_training.workload import Workload

WORKLOAD = Workload(batch=4, steps=5, seed=3)


@contextlib.contextmanager
def one_rank() -> Iterator[None]:
    """A process group of this process alone."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        yield
    finally:
        dist.destroy_process_group()
        torch.use_deterministic_algorithms(False)


def train(folder: Path, **more: Any) -> dict[str, Any]:
    """Train with a checkpoint every 2 steps."""
    with one_rank():
        return resuming.train(
            WORKLOAD, pack=pack, unpack=unpack, folder=str(folder), every=2, **more
        )


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_in_mid_step_and_resumed(tmp_path):
    dying = multiprocessing.get_context("fork").Process(
        target=train, args=[tmp_path], kwargs={"killed": (0, 3)}
    )
    dying.start()
    dying.join(60)
    assert dying.exitcode == -signal.SIGKILL
    assert checkpoints.newest(tmp_path) == 2
    with one_rank():
        both = resuming.resume_and_compare(
            WORKLOAD, pack=pack, unpack=unpack, folder=str(tmp_path), every=2
        )
    resumed, undisturbed = both["resumed"], both["undisturbed"]
    assert (resumed["first_step"], undisturbed["first_step"]) == (2, 0)
    assert resumed["losses"] == undisturbed["losses"][2:]
    for name, want in undisturbed["weights"].items():
        assert np.array_equal(resumed["weights"][name], want)
    assert (len(resumed["save_s"]), len(undisturbed["save_s"])) == (1, 0)  # at step 4
    assert resumed["saved"] > 3 * sum(each.nbytes for each in undisturbed["weights"].values())


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    train(tmp_path)
    path = tmp_path / "step-000000004.rank-0-of-1.state"
    path.write_bytes(path.read_bytes()[:100])
    assert train(tmp_path)["first_step"] == 2


def test_gradients_are_averaged():
    model = torch.nn.Linear(2, 1)
    model(torch.ones(1, 2)).sum().backward()
    with one_rank():
        resuming.average_gradients(model)
    assert torch.equal(model.weight.grad, torch.ones(1, 2))


def test_ranks_draw_for_themselves():
    jobs = [resuming.text_job(WORKLOAD, rank=rank, world_size=2) for rank in (0, 1)]
    states = [job.generator.get_state() for job in jobs]
    assert not torch.equal(*states)
    assert all(
        np.array_equal(a, b) for a, b in zip(*(j.weights().values() for j in jobs), strict=True)
    )
