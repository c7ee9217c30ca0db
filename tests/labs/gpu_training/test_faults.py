"""Five jobs on two real ranks: each leaves the evidence that its fault must, and no other."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training.equality import largest_difference
from labs.gpu_training.faults import evidence, jobs
from labs.gpu_training.given.faults import diagnose
from labs.gpu_training.launching.launcher import Launched, launch
from labs.gpu_training.workload import Workload

WORKLOAD = Workload(size="tiny", batch=4, steps=4, dropout=0.1)


@pytest.fixture(scope="module")
def launched() -> Launched:
    arguments = {"workload": WORKLOAD, "bucket_bytes": 128 * 1024}
    return launch(jobs.train_all, world_size=2, arguments=arguments, timeout_s=300)


def found_in(launched: Launched, job: str) -> evidence.Evidence:
    return evidence.collect(launched.results, job=job, dropout=WORKLOAD.dropout)


@pytest.mark.parametrize("job", jobs.JOBS)
def test_the_evidence_tells_the_job(launched: Launched, job: str) -> None:
    assert diagnose(found_in(launched, job)) == job


@pytest.mark.parametrize("job", jobs.JOBS)
def test_one_thing_alone_is_wrong(launched: Launched, job: str) -> None:
    found = found_in(launched, job)
    assert found["states"][0] == found["states"][1]  # the check that finds nothing
    assert (found["batches"][0] == found["batches"][1]) == (job == jobs.SHARD)
    assert (found["masks"][0] == found["masks"][1]) == (job == jobs.DROPOUT)
    scale = found["applied"] / found["expected"]
    wrong = np.abs(scale - 1) > 1e-3
    if job == jobs.SUM:
        np.testing.assert_allclose(scale, 2, rtol=1e-6)
    elif job == jobs.STALE:
        late = jobs.STALE_BUCKET
        assert sorted({int(bucket) for bucket in np.nonzero(wrong)[1]}) == [late]
        np.testing.assert_array_equal(found["applied"][1:, late], found["expected"][:-1, late])
    else:
        assert not wrong.any()


@pytest.mark.parametrize("groups", [[[0, 1]], [[1], [0]]])
def test_one_bucket_is_stale_however_few_there_are(
    monkeypatch: pytest.MonkeyPatch, groups: list[list[int]]
) -> None:
    monkeypatch.setattr(jobs, "mean_over_ranks", lambda values: values.clone())
    model, notes = torch.nn.Linear(2, 1), jobs._Notes()
    for step in (1.0, 2.0):
        for weights in model.parameters():
            weights.grad = torch.full_like(weights, step)
        jobs._average(model, groups, job=jobs.STALE, notes=notes)
    late = len(groups) - 1
    assert notes.applied[1][late] == notes.expected[0][late] < notes.expected[1][late]
    assert notes.applied[1][:late] == notes.expected[1][:late]
    plain = {"batches": [[1, 2], [3, 4]], "masks": [[1, 2], [3, 4]], "dropout": 0.1, "ranks": 2}
    norms = {name: np.array(getattr(notes, name)) for name in ("applied", "expected")}
    assert diagnose(plain | norms) == jobs.STALE


def test_a_sum_hides_behind_adamw(launched: Launched) -> None:
    weights = {job: launched.results[0][job]["weights"] for job in jobs.JOBS}
    apart = {job: largest_difference(weights[job], weights[jobs.HEALTHY]) for job in jobs.JOBS}
    assert 0 < apart[jobs.SUM] < min(apart[job] for job in (jobs.SHARD, jobs.DROPOUT, jobs.STALE))


def test_the_losses_look_alike(launched: Launched) -> None:
    losses = np.array([launched.results[0][job]["losses"] for job in jobs.JOBS])
    assert losses.shape == (5, WORKLOAD.steps)
    assert np.ptp(losses, axis=0).max() < 0.2  # of about 4.2 nat


def test_an_unknown_job_is_refused() -> None:
    with pytest.raises(ValueError, match="job is 'fine'; give one of healthy"):
        jobs.train(WORKLOAD, "fine", bucket_bytes=1)


@given(
    st.sampled_from(jobs.JOBS),
    st.integers(0, 2**32 - 1),
    st.fixed_dictionaries(
        {"ranks": st.integers(2, 8), "steps": st.integers(2, 20), "buckets": st.integers(2, 6)}
    ),
)
def test_invented_evidence_tells_its_job(job: str, seed: int, size: dict[str, int]) -> None:
    found = evidence.invent(job, np.random.default_rng(seed), **size)
    assert found["applied"].shape == found["expected"].shape == (size["steps"], size["buckets"])
    assert len(found["batches"]) == len(found["masks"]) == len(found["states"]) == size["ranks"]
    assert diagnose(found) == job


def test_without_dropout_all_masks_agree() -> None:
    found = evidence.invent(jobs.HEALTHY, np.random.default_rng(0), dropout=0.0)
    assert found["masks"][0] == found["masks"][1]
    assert diagnose(found) == jobs.HEALTHY
