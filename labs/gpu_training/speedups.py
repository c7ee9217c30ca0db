"""Switches that may make a step faster, timed in turns against the step without them.

Compiling, and the order of an image's dimensions in memory. A switch that cannot be tried here is
an obstacle with its reason, never an error. Nothing is claimed for other machines.
"""

import importlib.util
import os
import shutil
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from course_utils import data, stats, timing
from course_utils.records import Result
from labs.gpu_training import devices
from labs.gpu_training.workload import Workload
from labs.shared.networks import seeded

Call = Callable[[], object]
COMPILERS = ("g++", "clang++", "c++", "cl")


def in_turns(calls: Mapping[str, Call], *, rounds: int) -> dict[str, list[float]]:
    """Return the times of calls taken in turns [ms], so that a busy machine slows all alike.

    Parameters
    ----------
    calls
        By name; each is warmed up twice before the first round.
    rounds
        Times that each is measured.
    """
    device = devices.local()
    for call in calls.values():
        call()
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            once = timing.latency(call, device=device, warmup=1, min_runs=1, min_elapsed_s=0.0)
            taken[name].append(once.median_ms)
    return taken


def speedup(times_ms: Mapping[str, list[float]], name: str, *, over: str) -> Result:
    """Return how many times faster one is than another: the median over rounds, its interval.

    Examples
    --------
    >>> speedup({"a": [4.0] * 6, "b": [2.0] * 6}, "b", over="a").value
    2.0
    """
    ratios = [old / new for old, new in zip(times_ms[over], times_ms[name], strict=True)]
    return stats.median_interval(ratios).result()


def compile_obstacle() -> str:
    """Return why `torch.compile` cannot work here, or nothing."""
    if devices.local().type == "cuda":
        has_triton = importlib.util.find_spec("triton") is not None
        return "" if has_triton else "torch.compile needs triton on a GPU, which is not installed"
    named = os.environ.get("CXX", "")
    if not any(shutil.which(name) for name in (named, *COMPILERS) if name):
        return f"torch.compile needs a C++ compiler: none of {', '.join(COMPILERS)} is on the path"
    header = Path(sysconfig.get_path("include")) / "Python.h"
    return "" if header.is_file() else "torch.compile needs Python.h, Python's development files"


def forward_calls(workload: Workload) -> dict[str, Call]:
    """Return forward passes of the network as it is and compiled; the first call compiles."""
    device = devices.local()
    model = workload.model().to(device).eval()
    x = workload.batch_of(0)[0].to(device)
    compiled = torch.compile(model)

    def call(network: Callable[[torch.Tensor], torch.Tensor]) -> Call:
        def forward() -> torch.Tensor:
            with torch.no_grad():
                return network(x)

        return forward

    return {"as it is": call(model), "compiled": call(compiled)}


def layout_calls(*, batch: int, seed: int, side: int = 64) -> dict[str, Call]:
    """Return forward passes of torchvision's ResNet-18 in both orders of dimensions.

    Parameters
    ----------
    batch, side
        Images, and their height and width.
    seed
        Of weights and images.
    """
    models = data.import_torchvision().models
    calls: dict[str, Call] = {}
    device = devices.local()
    formats = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand((batch, 3, side, side), generator=generator).to(device)
    for name, memory_format in formats.items():
        with seeded(seed):
            model = models.resnet18(weights=None).eval()
        model = model.to(device=device, memory_format=memory_format)
        x = images.to(memory_format=memory_format)

        def forward(model: torch.nn.Module = model, x: torch.Tensor = x) -> torch.Tensor:
            with torch.no_grad():
                out: torch.Tensor = model(x)
            return out

        calls[name] = forward
    return calls
