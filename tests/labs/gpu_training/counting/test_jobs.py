"""Jobs and counts as plain data."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training.counting.jobs import Counted, Job, counted_from, job_from
from labs.shared.transformer import SIZES

TINY = SIZES["tiny"]


@pytest.mark.parametrize(
    ("strategy", "ranks", "tensor", "message"),
    [
        ("zero", 8, 1, "strategy is 'zero'; give one of ddp, fsdp2, tensor, fsdp2_tensor"),
        ("ddp", 8, 2, "tensor is 2; with ddp give 1"),
        ("tensor", 4, 1, "tensor is 1; with tensor give 4"),
        ("fsdp2_tensor", 6, 4, "divides the 6 ranks and the 4 heads"),
        ("tensor", 8, 8, "divides the 8 ranks and the 4 heads"),
    ],
)
def test_a_job_that_cannot_be_is_refused(strategy, ranks, tensor, message):
    with pytest.raises(ValueError, match=message):
        Job(strategy, TINY, ranks, tensor=tensor)


def test_ranks_that_share_products_see_the_same_sequences():
    assert Job("fsdp2_tensor", TINY, 64, tensor=4).replicas == 16


@given(
    strategy=st.sampled_from(["ddp", "fsdp2"]),
    ranks=st.integers(1, 2048),
    batch=st.integers(1, 64),
    name=st.sampled_from(sorted(SIZES)),
)
def test_a_job_comes_back_through_json(strategy, ranks, batch, name):
    job = Job(strategy, SIZES[name], ranks, batch=batch)
    assert job_from(json.loads(json.dumps(asdict(job)))) == job


def test_counts_come_back_through_json():
    counted = Counted({"all_gather": (5, 2**40), "all_reduce": (1, 4)}, 1, 2, 3, 4, 5)
    assert counted_from(json.loads(json.dumps(counted.data()))) == counted
