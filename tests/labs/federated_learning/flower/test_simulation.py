"""Flower's engine over Ray against the loop, round by round; and a simulation that does not end."""

import pytest

from labs.engine.extras import find_extra
from labs.federated_learning import loop
from labs.federated_learning.flower import job as jobs
from labs.federated_learning.flower import simulation
from labs.federated_learning.flower.job import Job

needs_flower = pytest.mark.skipif(
    not find_extra("federated").is_installed, reason="needs Flower: the extra federated"
)


@needs_flower
@pytest.mark.xdist_group("flower")
def test_as_the_loop_in_every_round(nothing_left: None) -> None:
    job = Job(clients=5, rounds=3, fraction=0.6, epochs=2)
    task, parts = jobs.load_of(job)
    want = loop.run(task, parts, setting=job.setting).accuracy
    found = simulation.simulate(job)
    assert [round(each, 4) for each in found.accuracy] == [round(each, 4) for each in want]
    assert found.failures == 0
    assert len(found.round_s) == 3


def test_one_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "require", lambda: None)
    ended: list[str] = []
    monkeypatch.setattr(simulation, "end_marked", ended.append)
    with pytest.raises(simulation.SimulationError, match=r"took longer than 0.01 s"):
        simulation.simulate(Job(), timeout_s=0.01)
    assert len(ended) == 1


def test_one_that_does_not_finish() -> None:
    events = [{"kind": "averaged", "at_s": 0.0, "accuracy": 0.1}]
    with pytest.raises(simulation.SimulationError, match="did not finish: a reason"):
        simulation._result(events, log="a reason\n")


def test_failures_are_counted() -> None:
    events = [
        {"kind": "averaged", "at_s": 0.0, "accuracy": 0.1},
        {"kind": "answered", "at_s": 1.0, "error": "x"},
        {"kind": "answered", "at_s": 1.0, "error": ""},
        {"kind": "averaged", "at_s": 2.5, "accuracy": 0.2},
        {"kind": "finished", "at_s": 2.5},
    ]
    found = simulation._result(events, log="")
    assert found == simulation.Simulated(accuracy=[0.1, 0.2], failures=1, round_s=[2.5])
