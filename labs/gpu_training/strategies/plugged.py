"""Runs functions from the notebook, which know NumPy alone, inside a real data-parallel job."""

import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed as dist
from torch import nn

from labs.gpu_training import buckets, devices
from labs.gpu_training.strategies import data_parallel

Array = NDArray[np.floating]
# average(gradients, all_reduce, *, ranks, limit_bytes), and
# step(next_gradient, start, *, wait, buckets, ranks): both return the means, in order.
Average = Callable[..., Sequence[Array]]
OverlappedStep = Callable[..., Sequence[Array]]


def after_backward(average: Average, limit_bytes: int) -> data_parallel.Setup:
    """Return a setup in which a function averages the gradients once all are there.

    Parameters
    ----------
    average
        Called with the gradients of this rank, in the order of the parameters, a function that
        returns the sum of a flat array over the ranks, and ``ranks`` and ``limit_bytes`` by name.
    limit_bytes
        Passed on.
    """

    def setup(
        model: nn.Module, traffic: data_parallel.Traffic
    ) -> tuple[data_parallel.Network, data_parallel.Backward]:
        def all_reduce(array: Array) -> Array:
            tensor = _tensor(array)
            traffic.all_reduce(tensor)
            return _array(tensor)

        def to_gradients(loss: torch.Tensor) -> None:
            data_parallel.backward(loss)
            gradients = [_array(gradient) for gradient in data_parallel.gradients_of(model)]
            ranks = dist.get_world_size()
            means = average(gradients, all_reduce, ranks=ranks, limit_bytes=limit_bytes)
            _put(model, means)

        return model, to_gradients

    return setup


def during_backward(step: OverlappedStep, bucket_bytes: int) -> data_parallel.Setup:
    """Return a setup in which a function fetches gradients while backward makes them.

    Backward runs in a thread of its own, because the function asks for gradients, whereas hooks
    are called with them.

    Parameters
    ----------
    step
        Called with a function that returns the next (index, gradient) or None, one that begins an
        all-reduce and returns a ticket, and by name ``wait`` (ticket to sum), ``buckets``,
        ``ranks``.
    bucket_bytes
        Size of the buckets.
    """

    def setup(
        model: nn.Module, traffic: data_parallel.Traffic
    ) -> tuple[data_parallel.Network, data_parallel.Backward]:
        parameters = list(model.parameters())
        groups = buckets.of_parameters(parameters, bucket_bytes)
        ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for index, parameter in enumerate(parameters):
            hook = partial(_announce, ready, index)
            parameter.register_post_accumulate_grad_hook(hook)  # type: ignore[no-untyped-call]

        def to_gradients(loss: torch.Tensor) -> None:
            tickets: list[tuple[torch.Tensor, dist.Work]] = []

            def start(array: Array) -> int:
                tensor = _tensor(array)
                tickets.append((tensor, traffic.start(tensor)))
                return len(tickets) - 1

            def wait(ticket: int) -> Array:
                tensor, work = tickets[ticket]
                traffic.wait(work)
                return _array(tensor)

            worker = threading.Thread(target=_backward, args=(loss, ready), daemon=True)
            worker.start()
            ranks = dist.get_world_size()
            means = step(partial(_next, ready), start, wait=wait, buckets=groups, ranks=ranks)
            worker.join()
            while not ready.empty():  # a function need not ask once all gradients are there
                _next(ready)
            _put(model, means)

        return model, to_gradients

    return setup


def _announce(ready: "queue.SimpleQueue[Any]", index: int, parameter: torch.Tensor) -> None:
    ready.put((index, _array(parameter.grad)))  # type: ignore[arg-type]  # it is there


def _backward(loss: torch.Tensor, ready: "queue.SimpleQueue[Any]") -> None:
    try:
        data_parallel.backward(loss)
        ready.put(None)
    except Exception as err:  # raised again where the gradients are asked for
        ready.put(err)


def _next(ready: "queue.SimpleQueue[Any]") -> tuple[int, Array] | None:
    item = ready.get()
    if isinstance(item, Exception):
        raise item
    return item  # type: ignore[no-any-return]  # what _announce put


def _array(tensor: torch.Tensor) -> Array:
    return np.asarray(tensor.detach().cpu().numpy())


def _tensor(array: Array) -> torch.Tensor:
    return torch.from_numpy(np.array(array)).to(devices.local())  # a copy: theirs stays as it is


def _put(model: nn.Module, means: Sequence[Array]) -> None:
    for gradient, mean in zip(data_parallel.gradients_of(model), means, strict=True):
        gradient.copy_(torch.from_numpy(np.ascontiguousarray(mean)))
