"""Real gloo ranks against the closed forms, which fake ranks equal as well."""

import pytest

from labs.gpu_training.counting import formulas, real_ranks
from labs.gpu_training.counting.jobs import Job
from labs.shared.transformer import Size

ODD = Size(layers=2, width=36, heads=6, context=10)


@pytest.mark.parametrize(
    "jobs",
    [
        [Job("ddp", ODD, 2, batch=2), Job("fsdp2", ODD, 2), Job("tensor", ODD, 2, tensor=2)],
        [Job("ddp", ODD, 4), Job("fsdp2", ODD, 4, batch=2), Job("fsdp2_tensor", ODD, 4, tensor=2)],
    ],
    ids=["2 ranks", "4 ranks"],
)
def test_real_ranks_send_compute_and_hold_what_the_closed_forms_say(jobs, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # kernels of a GPU keep other activations
    assert real_ranks.count(jobs) == [formulas.counted(job) for job in jobs]


def test_jobs_of_different_ranks_need_two_launches():
    with pytest.raises(ValueError, match=r"jobs have \[2, 4\] ranks"):
        real_ranks.count([Job("ddp", ODD, 2), Job("ddp", ODD, 4)])
