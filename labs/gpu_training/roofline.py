"""Where the layers of the transformer sit under the roof of this machine.

`counting.measure_roofline` measures the roof; here are the layers of one block with their inputs,
what they attain, and how the bandwidth of a copy falls as its working set leaves the caches. Only
forward passes of single layers are timed; the way from intensity to a bound is the student's.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import psutil
import torch
from torch import nn

from course_utils import timing
from course_utils.records import Result
from course_utils.units import KI, MI, MS_PER_S
from labs.gpu_training import devices
from labs.gpu_training.workload import Workload
from labs.shared.transformer import SIZES, Block, Transformer

Linear = tuple[str, nn.Linear, torch.Tensor]
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
SWEEP_S = 0.1  # for each working set


def linear_layers(workload: Workload, *, batch: int | None = None) -> list[Linear]:
    """Return the linear layers of one block and the head, each with an input, on the device.

    Query, key, value and out are alike, so query stands for the four.

    Parameters
    ----------
    workload
        Its size and seed say which network.
    batch
        Sequences in the input; the workload's without it.
    """
    model = workload.model().to(devices.local())
    tokens = (batch or workload.batch) * SIZES[workload.size].context
    block: Block = model.blocks[0]  # type: ignore[assignment]  # a ModuleList forgets
    named = {"query": block.attention.query, "up": block.up, "down": block.down, "head": model.head}
    return [(name, layer, _input(layer, tokens)) for name, layer in named.items()]


def _input(layer: nn.Linear, tokens: int) -> torch.Tensor:
    shape = (tokens, layer.in_features)
    generator = torch.Generator().manual_seed(0)
    return torch.rand(shape, generator=generator).to(layer.weight.device)


def attained_ops_per_s(layer: nn.Linear, x: torch.Tensor, *, ops: float, budget_s: float) -> Result:
    """Return the operations per second of one linear layer, forward, with the interval of the time.

    Parameters
    ----------
    layer, x
        On the same device.
    ops
        Operations of one call.
    budget_s
        Time to measure.
    """
    with torch.no_grad():
        times = timing.latency(lambda: layer(x), device=x.device, min_elapsed_s=budget_s).result()
    value, low, high = (MS_PER_S * ops / ms for ms in (times.value, times.high, times.low))
    return Result(value, low, high, n=times.n, kind="measured")


def multiplied_parameters(model: Transformer) -> int:
    """Return the weights of the linear layers; embeddings are looked up, norms only scale."""
    return sum(m.weight.numel() for m in model.modules() if isinstance(m, nn.Linear))


def working_sets_bytes(most_bytes: int) -> list[int]:
    """Return sizes from 64 KiB, each four times the last, within an eighth of the free memory."""
    most = min(most_bytes, psutil.virtual_memory().available // 8)
    sizes = [64 * KI]
    while 4 * sizes[-1] <= most:
        sizes.append(4 * sizes[-1])
    return sizes


def copy_rates(
    sizes_bytes: Iterable[int], *, budget_s: float = SWEEP_S
) -> list[tuple[int, Result]]:
    """Return the bandwidth of a copy for each working set [B/s]; what is read and written counts.

    Parameters
    ----------
    sizes_bytes
        Source and target together.
    budget_s
        Time for each.
    """
    device = devices.local()
    rates = []
    for size in sizes_bytes:
        source = torch.ones(size // 2, dtype=torch.uint8, device=device)
        copy = partial(torch.empty_like(source).copy_, source)
        times = timing.latency(copy, device=device, min_elapsed_s=budget_s).result()
        value, low, high = (MS_PER_S * size / ms for ms in (times.value, times.high, times.low))
        rates.append((size, Result(value, low, high, n=times.n, kind="measured")))
    return rates


def largest_cache_bytes(folder: Path = CACHES) -> int | None:
    """Return the size of the processor's largest cache as Linux tells it; None where it does not.

    In a virtual machine it may be the host's, shared with others.
    """
    units = {"K": KI, "M": MI}
    sizes = [file.read_text(encoding="ascii").strip() for file in folder.glob("index*/size")]
    return max((int(size[:-1]) * units[size[-1]] for size in sizes), default=None)


def dtypes() -> Sequence[torch.dtype]:
    """Return the dtypes whose peak is worth a roof: float16 only where a GPU computes in it."""
    halves = [torch.float16] if devices.local().type == "cuda" else []
    return [torch.float32, torch.bfloat16, *halves]


def utilization(times: Result, *, ops: float, peak: Result, scale: float = MS_PER_S) -> Result:
    """Return the share of the peak that a step attains; both intervals go in.

    Parameters
    ----------
    times
        Of a step [ms], with the default scale.
    ops
        Of a step.
    peak
        The machine's, in operations per second.
    scale
        Units of ``times`` in a second.
    """
    value = scale * ops / times.value / peak.value
    low, high = scale * ops / times.high / peak.high, scale * ops / times.low / peak.low
    return Result(value, low, high, n=min(times.n, peak.n), kind="measured")


Attainable = Callable[[float, float, float], float]


def shares_of_roof(
    layers: Iterable[tuple[str, float, Result]],
    attainable: Attainable,
    *,
    peak: float,
    bandwidth: float,
) -> dict[str, float]:
    """Return what each layer attains as a share of its bound.

    Parameters
    ----------
    layers
        Name, intensity [op/B] and attained operations per second.
    attainable
        Gives the bound from intensity, peak and bandwidth.
    peak, bandwidth
        Of the machine [op/s, B/s].
    """
    return {name: rate.value / attainable(x, peak, bandwidth) for name, x, rate in layers}
