"""The server's rounds over nodes that are played: silence, errors, too few, and a second start."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: the extra federated")

from labs.engine.extras import find_extra

if not find_extra("federated").is_installed:
    pytest.skip("needs Flower: the extra federated", allow_module_level=True)

from flwr.app import Array, ArrayRecord, Error, Message, MetricRecord, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from labs.federated_learning import loop
from labs.federated_learning.flower.app import server_app
from labs.federated_learning.flower.job import Job, load_of, train_client


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message asks Flower's process which run it belongs to."""
    monkeypatch.setattr(TaskIdentity, "_run_id", 1)
    monkeypatch.setattr(TaskIdentity, "_node_id", 1)
    monkeypatch.setattr(TaskIdentity, "_task_id", 1)


Answer = Callable[[Message, int, int], Message | None]


class PlayedGrid:
    """Nodes 70, 71, ... whose answers are made here; node 70 + c is client c."""

    def __init__(self, job: Job, *, nodes: int, spoil: Answer | None = None) -> None:
        self.job, self.nodes, self.spoil, self.sent = job, nodes, spoil, 0

    def get_node_ids(self) -> list[int]:
        return [70 + client for client in range(self.nodes)]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float) -> list[Message]:
        answers = []
        for message in messages:
            self.sent += 1
            message.metadata.__dict__["_message_id"] = f"m{self.sent}"
            if (answer := self._answer(message)) is not None:
                answers.append(answer)
        return answers[::-1]  # they come in any order

    def _answer(self, message: Message) -> Message | None:
        client = message.metadata.dst_node_id - 70
        if message.metadata.message_type == "query":
            content = RecordDict({"who": MetricRecord({"client": client})})
            return Message(content, reply_to=message)
        round_ = int(message.content["config"]["round"])  # type: ignore[index,call-overload,arg-type]
        if self.spoil is not None and (self.spoil(message, client, round_)) is not message:
            return self.spoil(message, client, round_)
        weights: Any = message.content["arrays"]
        start = weights["weights"].numpy()
        trained, samples = train_client(self.job, start, client=client, round_=round_)
        metrics: Any = {"num-examples": samples, "loss": trained.loss, "client": client}
        arrays = ArrayRecord({"weights": Array(trained.weights.numpy())})
        content = RecordDict({"arrays": arrays, "metrics": MetricRecord(metrics)})
        return Message(content, reply_to=message)


def serve(job: Job, folder: Path, **played: Any) -> server_app.Server:
    from dataclasses import replace

    job = replace(job, folder=str(folder))
    server = server_app.Server(PlayedGrid(job, **played), job)  # type: ignore[arg-type]
    server.run()
    return server


def accuracies(server: server_app.Server) -> list[float]:
    return [e["accuracy"] for e in server.journal.read() if e["kind"] == "averaged"]


def test_as_the_loop_in_every_round(tmp_path: Path) -> None:
    job = Job(clients=4, rounds=3, fraction=0.5, seed=2)
    task, parts = load_of(job)
    want = loop.run(task, parts, setting=job.setting).accuracy
    assert accuracies(serve(job, tmp_path, nodes=4)) == pytest.approx(want, abs=5e-5)


def test_goes_on_from_a_round(tmp_path: Path) -> None:
    whole = accuracies(serve(Job(clients=3, rounds=4), tmp_path / "a", nodes=3))
    serve(Job(clients=3, rounds=2), tmp_path / "b", nodes=3)
    second = serve(Job(clients=3, rounds=4, first_round=3), tmp_path / "b", nodes=3)
    assert accuracies(second)[-2:] == whole[-2:]
    assert second.journal.rounds() == [0, 1, 2, 3, 4]


def test_a_silent_node_and_one_that_fails(tmp_path: Path) -> None:
    def spoil(message: Message, client: int, round_: int) -> Message | None:
        if (client, round_) == (1, 2):
            return None
        if (client, round_) == (2, 1):
            return Message(Error(3, "Node Unavailable"), reply_to=message)
        return message

    server = serve(Job(clients=3, rounds=2, least=2), tmp_path, nodes=3, spoil=spoil)
    answers = [e for e in server.journal.read() if e["kind"] == "answered"]
    assert {e["client"] for e in answers if e["round"] == 2} == {0, 2}
    assert {e["client"]: bool(e["error"]) for e in answers if e["round"] == 1} == {
        0: False,
        1: False,
        2: True,
    }


def test_too_few_answers_leave_the_weights(tmp_path: Path) -> None:
    server = serve(
        Job(clients=2, rounds=1, least=2),
        tmp_path,
        nodes=2,
        spoil=lambda message, client, _: None if client else message,
    )
    assert np.array_equal(server.journal.load(0), server.journal.load(1))


def test_too_few_nodes(tmp_path: Path) -> None:
    with pytest.raises(server_app.TooFewError, match="round 1: 1 clients after 0 s, 2 needed"):
        serve(Job(clients=3, least=2, wait_s=0.0), tmp_path, nodes=1)
