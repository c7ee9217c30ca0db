"""A client of the lab's task as Flower calls it: says who it is, and trains when it is asked."""

from typing import Any

import numpy as np
import torch
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from labs.federated_learning.flower.job import Job, train_client

WEIGHTS = "weights"


def who(message: Message, context: Context) -> Message:
    """Answer with the client's number."""
    number = MetricRecord({"client": _client(context)})
    return Message(content=RecordDict({"who": number}), reply_to=message)


def train(message: Message, context: Context, *, job: Job) -> Message:
    """Train from the weights in the message and answer with the new ones.

    Parameters
    ----------
    message
        Round and weights.
    context
        Which client this node is.
    job
        Task and training.
    """
    torch.set_num_threads(1)
    config: Any = message.content["config"]
    arrays: Any = message.content["arrays"]
    weights, client = arrays[WEIGHTS].numpy(), _client(context)
    trained, samples = train_client(job, weights, client=client, round_=int(config["round"]))
    record = ArrayRecord({WEIGHTS: Array(np.asarray(trained.weights.numpy()))})
    metrics: Any = {"num-examples": samples, "loss": trained.loss, "client": client}
    content = RecordDict({"arrays": record, "metrics": MetricRecord(metrics)})
    return Message(content=content, reply_to=message)


def build(job: Job | None = None) -> ClientApp:
    """Return the app.

    Parameters
    ----------
    job
        Without one, that of the run configuration, which Flower's Python simulation does not have.
    """
    app = ClientApp()
    app.query()(who)
    app.train()(lambda m, c: train(m, c, job=job or Job.from_config(c.run_config)))
    return app


def _client(context: Context) -> int:
    return int(context.node_config["partition-id"])


app = build()
