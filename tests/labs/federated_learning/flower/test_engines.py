"""The loop's run repeated by Flower: what is taken over, what is compared, what is refused."""

import numpy as np
import pytest
import torch

from labs.federated_learning.flower import engines, simulation
from labs.federated_learning.flower.job import Job
from labs.federated_learning.local import Local
from labs.federated_learning.loop import History, Setting

HISTORY = History(accuracy=[0.1, 0.5], client_s=[0.25], steps=[7], weights=torch.zeros(2))


def found(failures: int = 0) -> simulation.Simulated:
    weights = np.float32([1, 2])
    return simulation.Simulated([0.1, 0.75], failures=failures, round_s=[2.0], weights=weights)


def test_the_loop_repeats_nothing():
    repeated = engines.repeat("loop", HISTORY, strategy="scaffold", job=Job())
    assert repeated.history is HISTORY
    assert "0.25 s; engine is loop" in str(repeated)


def test_flowers_accuracies_and_weights_take_the_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines, "simulate", lambda *_, **__: found())
    repeated = engines.repeat("flower", HISTORY, strategy="fedprox", job=Job(rounds=1))
    assert repeated.history.accuracy == [0.1, 0.75]
    assert repeated.history.weights.tolist() == [1, 2]
    assert repeated.history.steps == [7]
    assert repeated.difference == 0.25
    assert "simulation 2 s; accuracies differ by 0.2500 at most" in str(repeated)


def test_failed_clients_are_not_passed_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines, "simulate", lambda *_, **__: found(failures=3))
    with pytest.raises(simulation.SimulationError, match="3 answers"):
        engines.repeat("flower", HISTORY, strategy="fedavg", job=Job())


def test_a_server_that_flowers_app_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"'scaffold', which needs engine='loop'.*fedprox"):
        engines.repeat("flower", HISTORY, strategy="scaffold", job=Job())


def test_a_job_is_the_same_run():
    setting = Setting(rounds=4, fraction=0.3, local=Local(2, 8, 0.5, 0.1), seed=9)
    job = engines.job_of(setting, dataset="digits", partition="iid", alpha=2.0, clients=6)
    assert job.setting == setting
    assert (job.partition, job.alpha, job.clients) == ("iid", 2.0, 6)
