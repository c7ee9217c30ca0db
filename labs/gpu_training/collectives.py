"""Runs and times an all-reduce written with ``send`` and ``recv`` on the ranks of a launch.

`measure` is what a launched rank calls; `PointToPoint` gives it real messages over gloo or NCCL.
`count` runs the same function on any number of ranks of this process and counts, without a clock.
"""

import functools
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed as dist

from labs.gpu_training import devices, routing
from labs.gpu_training.cost_model import Domain
from labs.gpu_training.launching.launcher import Launched

Floats = NDArray[np.float32]
AllReduce = Callable[..., Floats]
FLOAT_BYTES = 4
WARM_UP = 3  # the first messages open connections


def sizes_bytes(*, is_trial: bool = False) -> list[int]:
    """Return the sizes to measure, 256 B to 16 MiB; a trial takes every second.

    Examples
    --------
    >>> sizes_bytes(is_trial=True)
    [256, 4096, 65536, 1048576, 16777216]
    """
    return [2**k for k in range(8, 25, 4 if is_trial else 2)]


class PointToPoint:
    """Messages between this rank and others, and how many bytes they had.

    An arriving message is taken to be as long as the one that this rank sent before, since gloo
    and NCCL do not tell.

    Parameters
    ----------
    elements
        Length of a message that arrives before anything was sent.
    """

    def __init__(self, elements: int) -> None:
        self._elements = elements
        self._device = devices.local()
        self._pending: list[Any] = []
        self.sent_bytes: list[int] = []

    def send(self, to: int, array: Floats) -> None:
        """Start sending a copy of a float32 array to a rank."""
        tensor = torch.from_numpy(np.array(array, dtype=np.float32)).to(self._device)
        self._elements = tensor.numel()
        self.sent_bytes.append(FLOAT_BYTES * tensor.numel())
        if self._device.type == "cuda":  # started with the next recv: alone, NCCL's sends block
            self._pending.append(dist.P2POp(dist.isend, tensor, to))
        else:
            self._pending.append((dist.isend(tensor, to), tensor))  # kept until it has gone

    def recv(self, sender: int) -> Floats:
        """Wait for the next array from a rank."""
        arriving = torch.empty(self._elements, device=self._device)
        if self._device.type == "cuda":
            started = [*self._pending, dist.P2POp(dist.irecv, arriving, sender)]
            self._pending = []
            for work in dist.batch_isend_irecv(started):
                work.wait()
        else:
            dist.recv(arriving, sender)
        array: Floats = arriving.cpu().numpy()
        return array

    def finish(self) -> None:
        """Wait until everything has gone."""
        if self._device.type == "cuda":
            for work in dist.batch_isend_irecv(self._pending) if self._pending else ():
                work.wait()
        else:
            for work, _ in self._pending:
                work.wait()
        self._pending = []


def by_hand(all_reduce: AllReduce, x: Floats) -> tuple[Floats, list[int]]:
    """Return the sum that a function gives with real messages, and the bytes of each sent."""
    rank, ranks = dist.get_rank(), dist.get_world_size()
    link = PointToPoint(-(-len(x) // ranks))
    total = all_reduce(x, rank, ranks, link.send, link.recv)
    link.finish()
    return total, link.sent_bytes


def measure(all_reduce: AllReduce, *, sizes_bytes: Sequence[int], repeats: int) -> dict[str, Any]:
    """Return times, traffic and error of a function beside those of the library, on each rank.

    The result has ``ring_s`` and ``library_s``, size -> time of the slowest rank of each repeat;
    ``sent_bytes`` of this rank, size -> bytes of each message; and ``relative_difference``, the
    largest between both sums.

    Parameters
    ----------
    all_reduce
        As exercise 2.7 asks for it.
    sizes_bytes
        Of the arrays.
    repeats
        Of each size, beyond a warm-up.
    """
    found: dict[str, Any] = {"ring_s": {}, "library_s": {}, "sent_bytes": {}}
    worst = 0.0
    for size in sizes_bytes:
        rng = np.random.default_rng((size, dist.get_rank()))
        x = rng.uniform(0.5, 1.5, size // FLOAT_BYTES).astype(np.float32)
        tensor = torch.from_numpy(x).to(devices.local())
        want = tensor.clone()
        dist.all_reduce(want)
        total, sent = by_hand(all_reduce, x)
        worst = max(worst, float(np.max(np.abs(total / want.cpu().numpy() - 1))))
        found["sent_bytes"][size] = sent
        found["ring_s"][size] = _times(functools.partial(by_hand, all_reduce, x), repeats)
        found["library_s"][size] = _times(functools.partial(dist.all_reduce, tensor), repeats)
    return found | {"relative_difference": worst}


def _times(call: Callable[[], Any], repeats: int) -> list[float]:
    """Return how long the slowest rank took, for each repeat; all start together."""
    times = []
    for _ in range(repeats + WARM_UP):
        dist.barrier()
        devices.synchronize()
        start_s = time.perf_counter()
        call()
        devices.synchronize()
        took = torch.tensor([time.perf_counter() - start_s], device=devices.local())
        dist.all_reduce(took, op=dist.ReduceOp.MAX)
        times.append(float(took))
    return times[WARM_UP:]


def count(all_reduce: AllReduce, *, elements: int, ranks: int) -> list[dict[str, int]]:
    """Return messages and bytes that each rank sends, observed in this process.

    Parameters
    ----------
    all_reduce
        As exercise 2.7 asks for it.
    elements
        Of the array on each rank, float32.
    ranks
        How many to run.
    """

    def call(rank: int) -> Callable[[routing.Send, routing.Receive], Floats]:
        x = np.full(elements, rank, np.float32)
        return lambda send, recv: all_reduce(x, rank, ranks, send, recv)

    _, router = routing.run([call(rank) for rank in range(ranks)])
    sizes = [
        [m.payload_bytes for m in router.messages if m.sender == rank] for rank in range(ranks)
    ]
    return [
        {"rank": rank, "messages": len(each), "bytes": sum(each)} for rank, each in enumerate(sizes)
    ]


def domain_of(launched: Launched, sizes_bytes: Sequence[int]) -> Domain:
    """Return what the times of a launch hold for.

    Parameters
    ----------
    launched
        Of `measure`.
    sizes_bytes
        Of the arrays.
    """
    cores = os.cpu_count() or 1
    on_gpus = launched.backend == "nccl"
    return Domain(
        machine=torch.cuda.get_device_name(0) if on_gpus else f"{cores} cores",
        backend=launched.backend,
        ranks=len(launched.results),
        places=torch.cuda.device_count() if on_gpus else cores,
        smallest_bytes=min(sizes_bytes),
        largest_bytes=max(sizes_bytes),
    )
