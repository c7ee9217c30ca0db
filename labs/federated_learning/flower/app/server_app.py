"""The server of the lab's task as Flower calls it: rounds with a time-out, and a journal of them.

Flower's own `FedAvg` averages. The rounds are ours: its own wait without end for clients that are
gone, and go on as if nothing had happened when every client failed.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from labs.federated_learning import loop
from labs.federated_learning.flower.job import Job, load_of
from labs.federated_learning.flower.journal import Journal

WEIGHTS = "weights"
PAUSE_S = 0.5


class TooFewError(RuntimeError):
    """Fewer clients than a round needs."""


class Server:
    """Rounds over the nodes that are online.

    Parameters
    ----------
    grid
        Sends messages to nodes.
    job
        What to do.
    """

    def __init__(self, grid: Grid, job: Job) -> None:
        self.grid, self.job = grid, job
        self.journal = Journal(Path(job.folder))
        self.task, self.parts = load_of(job)
        self.clients = job.known()  # by node; the others are asked

    def run(self) -> None:
        """Train all rounds; each leaves its weights and its events."""
        first = self.job.first_round
        weights = self.task.network.initial(self.job.seed).numpy()
        if first > 1:
            weights = self.journal.load(first - 1)
        self._close(first - 1, weights, loss=None)
        for round_ in range(first, self.job.rounds + 1):
            online = self._wait(round_)
            weights, loss = self._round(round_, weights, online=online)
            self._close(round_, weights, loss=loss)
        self.journal.write("finished", round=self.job.rounds)

    def _close(self, round_: int, weights: Any, *, loss: float | None) -> None:
        self.journal.save(round_, weights)
        accuracy = loop.accuracy(self.task, torch.from_numpy(np.array(weights)))
        self.journal.write("averaged", round=round_, accuracy=accuracy, loss=loss)

    def _wait(self, round_: int) -> dict[int, int]:
        """Return the nodes that are there, by client; waits for those that have been there."""
        start_s, limit_s = time.monotonic(), self.job.wait_s
        while True:
            there = self._who(list(self.grid.get_node_ids()))
            known = max(self.job.nodes or len(self.parts), len(self.clients))
            if len(there) >= known or time.monotonic() - start_s > limit_s:
                break
            time.sleep(PAUSE_S)
        if len(there) < self.job.least:
            raise TooFewError(
                f"round {round_}: {len(there)} clients after {limit_s:g} s, {self.job.least} needed"
            )
        return there

    def _who(self, nodes: list[int]) -> dict[int, int]:
        new = [node for node in nodes if node not in self.clients]
        questions = [
            Message(RecordDict(), dst_node_id=n, message_type=MessageType.QUERY) for n in new
        ]
        answers = self._ask(questions, limit_s=self.job.round_s)
        for answer in answers:
            if not answer.has_error():
                record: Any = answer.content["who"]
                self.clients[answer.metadata.src_node_id] = int(record["client"])
        return {self.clients[node]: node for node in nodes if node in self.clients}

    def _ask(self, questions: list[Message], *, limit_s: float) -> list[Message]:
        if not questions:
            return []
        return list(self.grid.send_and_receive(questions, timeout=limit_s))

    def _round(
        self, round_: int, weights: Any, *, online: dict[int, int]
    ) -> tuple[Any, float | None]:
        seed = (self.job.seed, round_)
        chosen = loop.sample(len(self.parts), self.job.fraction, seed=seed)
        asked = {online[client]: client for client in chosen if client in online}
        self.journal.write("asked", round=round_, clients=sorted(asked.values()))
        content = RecordDict(
            {
                "arrays": ArrayRecord({WEIGHTS: Array(np.asarray(weights))}),
                "config": ConfigRecord({"round": round_}),
            }
        )
        messages = [
            Message(content, dst_node_id=node, message_type=MessageType.TRAIN) for node in asked
        ]
        answers = self._ask(messages, limit_s=self.job.round_s)
        # An error comes from the SuperLink, in the name of a node that it does not say.
        sent = {m.metadata.message_id: asked[m.metadata.dst_node_id] for m in messages}
        for answer in answers:
            self._note(round_, answer, client=sent[answer.metadata.reply_to_message_id])
        good = [answer for answer in answers if not answer.has_error()]
        if len(good) < self.job.least:
            return weights, None
        good.sort(key=lambda each: asked[each.metadata.src_node_id])
        arrays, metrics = FedAvg().aggregate_train(round_, good)
        new: Any = arrays
        losses: Any = metrics
        return new[WEIGHTS].numpy(), float(losses["loss"])

    def _note(self, round_: int, answer: Message, *, client: int) -> None:
        error = answer.error.reason if answer.has_error() else ""
        samples = 0
        if not error:
            metrics: Any = answer.content["metrics"]
            samples = int(metrics["num-examples"])
        self.journal.write("answered", round=round_, client=client, samples=samples, error=error)


def build(job: Job | None = None) -> ServerApp:
    """Return the app.

    Parameters
    ----------
    job
        Without one, that of the run configuration.
    """

    def main(grid: Grid, context: Context) -> None:
        torch.set_num_threads(1)
        server = Server(grid, job or Job.from_config(context.run_config))
        try:
            server.run()
        except Exception as err:
            server.journal.write("failed", reason=f"{type(err).__name__}: {err}")
            raise

    app = ServerApp()
    app.main()(main)
    return app


app = build()
