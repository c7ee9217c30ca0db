"""Torch on fake ranks against the closed forms, to the byte, on 8, 64 and 1,024 ranks."""

import subprocess
import sys

import pytest

from grading.answers.gpu_training.hidden import planning
from labs.gpu_training.counting import fake_ranks, formulas
from labs.gpu_training.counting.jobs import Job
from labs.shared.transformer import SIZES, Size

TINY = SIZES["tiny"]
ODD = Size(layers=2, width=36, heads=6, context=10)
JOBS = [
    *(Job("fsdp2", TINY, ranks, batch=2) for ranks in (8, 64, 1024)),
    *(Job("fsdp2", ODD, ranks, batch=3) for ranks in (8, 64, 1024)),
    *(Job("ddp", size, ranks) for size, ranks in ((ODD, 8), (TINY, 64), (ODD, 1024))),
    Job("tensor", TINY, 4, tensor=4, batch=2),
    Job("fsdp2_tensor", ODD, 8, tensor=2),
    Job("fsdp2_tensor", TINY, 64, tensor=4, batch=2),
    Job("fsdp2_tensor", ODD, 1024, tensor=2),
]


@pytest.fixture(scope="module")
def found():
    return dict(zip(JOBS, fake_ranks.count(JOBS), strict=True))


@pytest.mark.parametrize("job", JOBS, ids=lambda j: f"{j.strategy}-{j.size.width}-{j.ranks}")
def test_fake_ranks_count_what_the_closed_forms_say(found, job):
    assert found[job] == formulas.counted(job)


def test_the_grader_knows_the_counts_by_heart(found):
    for ranks, (gathered, scattered, held) in planning.RECORDED.items():
        counted = found[Job("fsdp2", TINY, ranks, batch=2)]
        assert counted.collectives["all_gather"][1] == gathered
        assert counted.collectives["reduce_scatter"][1] == scattered
        assert counted.parameter_bytes == held


def test_the_process_that_asks_never_loads_the_fake_parts():
    code = (
        "import sys; from labs.gpu_training.counting import fake_ranks, real_ranks, comparison; "
        "sys.exit('torch.testing._internal.distributed.fake_pg' in sys.modules "
        "or 'torch.distributed.fsdp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_count_that_takes_too_long_is_ended_and_says_so():
    with pytest.raises(fake_ranks.FakeRanksError, match=r"1 jobs .* within 0.01 s"):
        fake_ranks.count(JOBS[:1], timeout_s=0.01)


def test_a_count_that_fails_says_why(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="ValueError: no such width\n")
    monkeypatch.setattr(fake_ranks.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(fake_ranks.FakeRanksError, match="counted: ValueError: no such width"):
        fake_ranks.count(JOBS[:1])
