"""Which device a process computes on: a GPU alone does not decide, the process group does too."""

import pytest
import torch
from torch import distributed as dist

from labs.gpu_training import devices


@pytest.fixture
def with_gpus(monkeypatch):
    """A machine that says it has GPUs; this is local rank 1."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "1")


def test_without_a_gpu_it_is_the_processor(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.local() == torch.device("cpu")
    devices.synchronize()


@pytest.mark.usefixtures("with_gpus")
def test_a_rank_takes_its_own_gpu(monkeypatch):
    assert devices.local() == torch.device("cuda", 1)
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_backend", lambda: "nccl")
    assert devices.local() == torch.device("cuda", 1)


@pytest.mark.usefixtures("with_gpus", "one_rank")
def test_ranks_of_gloo_share_the_cores_even_beside_a_gpu():
    assert devices.local() == torch.device("cpu")


@pytest.mark.usefixtures("with_gpus")
def test_a_gpu_is_waited_for(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append(1))
    devices.synchronize()
    assert waited == [1]


@pytest.mark.parametrize(
    ("backend", "said"), [("gloo", "2 ranks as processes on "), ("nccl", "2 ranks on a T4 GPUs")]
)
def test_a_sentence_says_where_the_ranks_run(monkeypatch, backend, said):
    monkeypatch.setattr(devices, "choose_backend", lambda _: backend)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a T4")
    assert devices.describe(2).startswith(said)
