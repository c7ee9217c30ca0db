"""The job of the exercise: what its next step depends on, part by part."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from labs.gpu_training import failing
from labs.gpu_training.failing import fingerprints, small_job
from labs.gpu_training.given.failing import pack, unpack

PARTS = ("weights", "optimiser", "schedule", "generator", "step", "position")


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two sets of weights agree bit for bit."""
    return all(np.array_equal(a[name], b[name]) for name in a)


def test_a_job_follows_from_its_seed():
    jobs = [small_job(seed) for seed in (1, 1, 2)]
    losses = [job.advance(3) for job in jobs]
    assert losses[0] == losses[1] != losses[2]
    assert same(jobs[0].weights(), jobs[1].weights())
    assert fingerprints(jobs[0]) == fingerprints(jobs[1])
    assert tuple(fingerprints(jobs[2])) == PARTS


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    small_job(1).advance(2)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_no_bit(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    job = small_job(5)
    job.advance(4)
    torch.set_num_threads(1)
    again = small_job(5)
    again.advance(4)
    torch.set_num_threads(before)
    assert same(job.weights(), again.weights())


@pytest.mark.parametrize("part", PARTS)
def test_each_part_has_a_fingerprint_of_its_own(part):
    job = small_job(3)
    job.advance(2)
    before = fingerprints(job)
    match part:
        case "weights":
            next(job.model.parameters()).data.add_(1e-6)
        case "optimiser":
            job.optimizer.param_groups[0]["lr"] *= 0.5
        case "schedule":
            job.scheduler.last_epoch += 1
        case "generator":
            torch.rand(1, generator=job.generator)
        case _:
            setattr(job, part, getattr(job, part) + 1)
    assert [name for name, text in fingerprints(job).items() if text != before[name]] == [part]


@pytest.mark.parametrize("part", ["weights", "optimiser", "schedule", "generator", "position"])
def test_each_part_decides_the_next_steps(part):
    job = small_job(3)
    job.advance(5)
    other = small_job(4)
    unpack(other, pack(job))
    fresh = small_job(4)
    match part:
        case "weights":
            other.model.load_state_dict(fresh.model.state_dict())
        case "optimiser":
            state = copy.deepcopy(other.optimizer.state_dict())
            other.optimizer.load_state_dict(state | {"state": {}})
        case "schedule":
            other.scheduler.load_state_dict(fresh.scheduler.state_dict())
        case "generator":
            other.generator.set_state(fresh.generator.get_state())
        case _:
            other.position = 0
    job.advance(3)
    other.advance(3)
    assert not same(job.weights(), other.weights())


def test_ranks_share_out_the_batch_and_draw_for_themselves():
    whole = small_job(0)
    x, y = whole._next_batch()
    parts = []
    for rank in (0, 1):
        job = small_job(0)
        job.rank, job.world_size = rank, 2
        parts.append(job._next_batch())
        assert job.position == whole.position
    assert torch.equal(torch.cat([part[1] for part in parts]), y)
    assert all(part[0].shape == (2, 8) for part in parts)
    assert x.shape == (4, 8)


def test_the_text_begins_anew():
    job = small_job(0)
    job.advance(14)
    assert job.step == 14
    assert job.position == 14 * 32 % len(job.codes)
    assert 0 < failing.BLANKED < 1
