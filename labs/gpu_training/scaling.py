"""How training gets faster with ranks: laws, a measurement on this machine, and recorded runs.

`measure` is what a launched rank calls. A fit of Amdahl's law has two unknowns, so it needs at
least `FEWEST_POINTS` numbers of ranks, each rank with a core or device of its own (`free_ranks`);
`PUBLISHED` says what was seen elsewhere, when and with what. No run here is made up.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import distributed as dist
from torch import nn
from torch.nn import functional

from course_utils.records import Result
from labs.gpu_training import devices, images
from labs.gpu_training.strategies.data_parallel import average_gradients

FEWEST_POINTS = 4
WARM_UP = 2


@dataclass(frozen=True)
class Recorded:
    """A run that was made once.

    Parameters
    ----------
    items_per_s
        Ranks -> images a second, all ranks together.
    machine, date, versions
        Where, when and with what.
    source
        Who made it.
    """

    items_per_s: Mapping[int, float]
    machine: str
    date: str
    versions: str
    source: str

    def seconds_an_image(self) -> tuple[list[int], list[float]]:
        """Return ranks, rising, and the time that an image took on that many ranks."""
        pairs = sorted(self.items_per_s.items())
        return [ranks for ranks, _ in pairs], [1 / rate for _, rate in pairs]

    def points(self) -> list[tuple[float, Result]]:
        """Return ranks and images a second as a figure takes them: known, but not measured here."""
        return [
            (ranks, Result(rate, rate, rate, n=1, kind="assumed"))
            for ranks, rate in sorted(self.items_per_s.items())
        ]


_TENSORFLOW = {
    "date": "May 2017",
    "versions": "TensorFlow b1e174e, CUDA 8.0, cuDNN 5.1; synthetic images, SGD, the same batch "
    "on each GPU",
    "source": "TensorFlow documentation, Benchmarks, docs_src/performance/benchmarks.md",
}
_EC2 = {"machine": "Amazon EC2 p2.8xlarge, 8 Tesla K80 each", **_TENSORFLOW}
_DGX = {"machine": "one NVIDIA DGX-1, 8 Tesla P100", **_TENSORFLOW}
PUBLISHED: Mapping[str, Recorded] = {
    "InceptionV3, EC2": Recorded({1: 29.7, 8: 229, 16: 459, 32: 902, 64: 1783}, **_EC2),
    "ResNet-50, EC2": Recorded({1: 52.4, 8: 378, 16: 751, 32: 1388, 64: 2744}, **_EC2),
    "ResNet-152, EC2": Recorded({1: 19.4, 8: 146, 16: 291, 32: 565, 64: 981}, **_EC2),
    "VGG16, DGX-1": Recorded({1: 154, 2: 295, 4: 584, 8: 1081}, **_DGX),
}


def amdahl_speedup(serial_share: float, ranks: float) -> float:
    """Return the speed-up of a job of fixed size, ``1 / (s + (1 - s) / n)``.

    Amdahl, Validity of the single processor approach, 1967.

    Parameters
    ----------
    serial_share
        Share of the time on one rank that does not get shorter, 0 to 1.
    ranks
        That share the rest, >= 1.

    Examples
    --------
    >>> amdahl_speedup(0.1, 10)
    5.2631578947368425
    """
    return 1 / (serial_share + (1 - serial_share) / ranks)


def gustafson_speedup(serial_share: float, ranks: float) -> float:
    """Return the speed-up of a job that grows with the ranks, ``s + (1 - s) n``.

    Gustafson, Reevaluating Amdahl's law, 1988.

    Parameters
    ----------
    serial_share
        Share of the time on n ranks that does not grow, 0 to 1.
    ranks
        That share the rest, >= 1.

    Examples
    --------
    >>> gustafson_speedup(0.1, 10)
    9.1
    """
    return serial_share + (1 - serial_share) * ranks


def free_ranks(*, images: int) -> list[int]:
    """Return numbers of ranks, 1 and its doubles, for which each has a GPU, or else a core.

    A machine with any GPU is asked for its GPUs alone: one rank would compute on a GPU, and more
    of them than there are on cores, which are not to be compared.

    Parameters
    ----------
    images
        Of a step; no rank is left without one.
    """
    has_affinity = hasattr(os, "sched_getaffinity")  # a container may own fewer than there are
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    places = min(torch.cuda.device_count() or cores, images)
    return [2**power for power in range(places.bit_length())]


def measure(batch: int, repeats: int) -> dict[str, list[float]]:
    """Return step times [s] of the ResNet: ``alone``, ``strong`` and ``weak``, on each rank.

    Rank 0 takes the batch alone while the others wait; then all share it; then each takes as much
    as rank 0 had alone. Gradients are averaged in one piece after the backward pass.

    Parameters
    ----------
    batch
        Images of a step, at least one a rank.
    repeats
        Of each, beyond a warm-up.
    """
    device, ranks = devices.local(), dist.get_world_size()
    model = images.network(seed=0).to(device)
    by = images.optimizer("SGD", model, learning_rate=1e-3)
    x, y = (part[:batch].to(device) for part in images.digits())
    share = slice(0, batch // ranks)  # the images do not matter to the clock
    found: dict[str, list[float]] = {"alone": [], "strong": [], "weak": []}
    for repeat in range(repeats + WARM_UP):
        for name, part in (("alone", slice(None)), ("strong", share), ("weak", slice(None))):
            dist.barrier()
            started_s = time.perf_counter()
            if name != "alone" or dist.get_rank() == 0:
                _step(model, by, (x[part], y[part]), is_shared=name != "alone")
            took_s = _slowest_s(time.perf_counter() - started_s, device)
            found[name] += [took_s] if repeat >= WARM_UP else []
    return found


def _step(
    model: nn.Module,
    by: torch.optim.Optimizer,
    examples: tuple[torch.Tensor, torch.Tensor],
    *,
    is_shared: bool,
) -> None:
    by.zero_grad()
    torch.autograd.backward(functional.cross_entropy(model(examples[0]), examples[1]))
    if is_shared:
        average_gradients(model)
    by.step()
    devices.synchronize()


def _slowest_s(took_s: float, device: torch.device) -> float:
    slowest = torch.tensor([took_s], device=device)
    dist.all_reduce(slowest, op=dist.ReduceOp.MAX)
    return float(slowest)
