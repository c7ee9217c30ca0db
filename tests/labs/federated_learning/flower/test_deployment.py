"""Real federations: they train as the loop does, outlive a killed node, and never wait for ever.

Nodes or server are killed, held in place or left alone while they train. What is asserted of time
are the limits that the runs themselves are given.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labs.engine.extras import find_extra

if not find_extra("federated").is_installed:
    pytest.skip("needs Flower: the extra federated", allow_module_level=True)

from labs.federated_learning import loop
from labs.federated_learning.flower import environment, supervision
from labs.federated_learning.flower.federation import Federation, FederationError, Limits
from labs.federated_learning.flower.job import Job, load_of
from labs.federated_learning.flower.journal import Journal
from labs.federated_learning.given.deployment import count_answers, next_action

pytestmark = pytest.mark.xdist_group("flower")

NODES = 3
LIMIT_S = 240.0  # of a run with a killed node, as the course promises it
SILENT_S = 10.0  # a round's wait for answers


@pytest.fixture(scope="module")
def federation(
    tmp_path_factory: pytest.TempPathFactory, nothing_left_of_module: None
) -> Iterator[Federation]:
    with Federation(tmp_path_factory.mktemp("federation"), nodes=NODES) as made:
        yield made
    assert environment.marked(made.mark) == []
    assert not environment.is_open(made.port)


@pytest.fixture
def ready(federation: Federation) -> Federation:
    federation.wait_online(NODES)
    return federation


def counts(report: supervision.Report) -> dict[int, dict[str, int]]:
    return {round_: count_answers(*asked) for round_, asked in report.asked().items()}


def test_as_the_loop_in_every_round(ready: Federation, tmp_path: Path) -> None:
    job = Job(clients=NODES, rounds=2, epochs=2, seed=4, round_s=LIMIT_S, folder=str(tmp_path))
    report = supervision.run(ready, job, decide=next_action, timeout_s=LIMIT_S)
    task, parts = load_of(job)
    want = loop.run(task, parts, setting=job.setting).accuracy
    found = report.accuracies()
    assert [round(found[each], 4) for each in range(3)] == [round(each, 4) for each in want]
    assert all(
        each == {"good": NODES, "failed": 0, "silent": 0} for each in counts(report).values()
    )


def test_a_killed_node_is_back_within_the_limit(ready: Federation, tmp_path: Path) -> None:
    job = Job(clients=NODES, rounds=3, least=2, folder=str(tmp_path))
    report = supervision.run(ready, job, decide=next_action, kill={2: 1}, timeout_s=LIMIT_S)
    assert report.recovery_s() is not None
    assert report.given_up == []
    assert sorted(report.accuracies()) == [0, 1, 2, 3]
    assert counts(report)[1]["good"] == NODES
    assert counts(report)[2]["good"] == NODES - 1
    assert counts(report)[3]["good"] == NODES
    assert [what for _, what in report.lives[1]].count("lost") == 1


def test_a_held_node_does_not_hold_the_run(ready: Federation, tmp_path: Path) -> None:
    """It answers no more, and nobody tells: its process is there, and so is its connection."""
    node = ready.nodes[2]
    node.kill = node.hold  # type: ignore[method-assign]
    node.is_training = lambda: True  # type: ignore[method-assign]  # once it was asked
    short = {"round_s": SILENT_S, "wait_s": SILENT_S}
    job = Job(clients=NODES, rounds=2, **short, folder=str(tmp_path))  # type: ignore[arg-type]
    report = supervision.run(ready, job, decide=next_action, kill={1: 2}, timeout_s=LIMIT_S)
    assert sorted(report.accuracies()) == [0, 1, 2]
    good = {answer["client"] for answer in report.of("answered") if not answer["error"]}
    assert good <= {0, 1}  # on a busy machine a round is over before they answer
    assert node.family()[0].status() == "stopped"
    assert report.lives[2][-1][1] == "online"
    del node.kill, node.is_training


@contextlib.contextmanager
def small(folder: Path) -> Iterator[Federation]:
    """One node, without certificates; nothing may be left of it, however it ends."""
    try:
        with Federation(folder, nodes=1, is_insecure=True) as made:
            made.wait_online(1)
            yield made
    finally:
        assert environment.marked(made.mark) == []
        assert not environment.is_open(made.port)


def test_a_held_server_is_reported(tmp_path: Path, nothing_left: None) -> None:
    job = Job(clients=1, folder=str(tmp_path / "journal"))
    with small(tmp_path / "f") as made:

        def submit_and_hold(job: Job) -> Journal:
            journal = Federation.submit(made, job)
            assert made._server is not None
            server = psutil.Process(made._server.pid)
            for process in (server, *server.children(recursive=True)):
                process.suspend()
            return journal

        made.submit = submit_and_hold  # type: ignore[method-assign]
        with pytest.raises(FederationError, match="run took longer than 3 s; the server saw"):
            supervision.run(made, job, decide=next_action, timeout_s=3)
        made.limits = Limits(command_s=3)
        with pytest.raises(FederationError, match="flwr supernode list took longer than 3 s"):
            made.online()


def test_an_interrupt_leaves_nothing(tmp_path: Path, nothing_left: None) -> None:
    """As Ctrl-C in the notebook, while the client trains."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    def train() -> None:
        with small(tmp_path / "f") as made:
            job = Job(clients=1, folder=str(tmp_path / "journal"))
            made.nodes[0].kill = interrupt  # type: ignore[method-assign]
            supervision.run(made, job, decide=next_action, kill={1: 0}, timeout_s=LIMIT_S)

    with pytest.raises(KeyboardInterrupt):
        train()
