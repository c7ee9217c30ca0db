"""How a rank joins its process group; that ranks find each other is in `test_launcher`."""

import pytest
import torch
from torch import distributed as dist

from labs.gpu_training.launching import group


@pytest.fixture
def joined(monkeypatch):
    """What torch is asked for, in place of doing it."""
    asked = {}

    def init(backend, **options):
        asked.update(backend=backend, **options)

    monkeypatch.setattr(dist, "init_process_group", init)
    monkeypatch.setattr(torch, "set_num_threads", lambda n: asked.update(threads=n))
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: asked.update(device=device))
    return asked


def test_gloo_takes_the_threads_that_it_is_given(joined):
    group.join({"backend": "gloo", "threads": 3, "timeout_s": 20})
    assert (joined["backend"], joined["threads"], joined["device_id"]) == ("gloo", 3, None)


def test_nccl_takes_the_gpu_of_its_local_rank(joined, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "2")
    group.join({"backend": "nccl", "threads": 1, "timeout_s": 20})
    assert joined["device"] == joined["device_id"] == torch.device("cuda", 2)
    assert "threads" not in joined


def test_the_launchers_time_is_up_before_that_of_a_collective(joined):
    group.join({"backend": "gloo", "threads": 1, "timeout_s": 20})
    assert joined["timeout"].total_seconds() > 20


@pytest.mark.usefixtures("one_rank")
def test_a_group_that_the_function_left_is_no_error():
    group.leave()
    assert not dist.is_initialized()
    group.leave()
