"""A job travels through Flower's run configuration unchanged, and trains as the loop does."""

import tomllib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labs.federated_learning import loop
from labs.federated_learning.flower import job as jobs
from labs.federated_learning.flower.job import Job

numbers = st.floats(1e-6, 1e6)
all_jobs = st.builds(
    Job,
    dataset=st.sampled_from(["digits", "keywords_synthetic"]),
    alpha=numbers,
    seed=st.integers(0, 2**31 - 1),
    learning_rate=numbers,
    rounds=st.integers(1, 10_000),
    folder=st.sampled_from(["", "/tmp/a folder/journal"]),
    who=st.sampled_from(["", "12=0,7=1"]),
)


@given(all_jobs)
def test_configuration_and_back(job: Job) -> None:
    assert Job.from_config(job.to_config()) == job


@given(all_jobs)
def test_arguments_are_toml(job: Job) -> None:
    """Flower reads them as TOML, one pair a line."""
    read: dict[str, object] = {}
    rest = job.to_arguments()
    for key in reversed(job.to_config()):
        at = rest.rindex(f"{key}=")
        read |= tomllib.loads(rest[at:])
        rest = rest[:at]
    assert Job.from_config(read) == job


def test_app_declares_every_key() -> None:
    """Flower refuses a run that sets a key which the app does not declare."""
    from pathlib import Path

    path = Path(jobs.__file__).with_name("app") / "pyproject.toml"
    declared = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["flwr"]["app"]["config"]
    job = Job().to_config()
    assert {k: type(v) for k, v in declared.items()} == {k: type(v) for k, v in job.items()}
    assert declared == job


def test_each_client_trains_as_in_the_loop() -> None:
    job = Job(clients=4, rounds=1, epochs=2, mu=0.25, seed=3)
    task, parts = jobs.load_of(job)
    start = task.network.initial(job.seed)
    returned: list[loop.Return] = []
    loop.run(task, parts, setting=job.setting, on_round=lambda _, all_: returned.extend(all_))
    assert [each.client for each in returned] == [0, 1, 2, 3]
    for each in returned:
        trained, samples = jobs.train_client(job, start.numpy(), client=each.client, round_=1)
        assert (samples, trained.steps) == (each.samples, each.steps)
        # Alone and in a batch of clients a sum may be taken in another order: a few roundings.
        torch.testing.assert_close(trained.weights, each.weights, rtol=1e-4, atol=1e-5)


def test_a_client_that_there_is_not() -> None:
    weights = np.zeros(1, np.float32)
    with pytest.raises(ValueError, match="client is 4; the job has clients 0 to 3"):
        jobs.train_client(Job(clients=4), weights, client=4, round_=1)
