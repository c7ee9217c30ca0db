"""Half the bits in a training step: what float16 loses, and steps in other precisions to time.

How gradients are scaled is the student's to say; here nothing is scaled but to count what is lost.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from labs.gpu_training import devices
from labs.gpu_training.workload import Workload, loss_of

Floats = NDArray[np.float32]
SMALLEST_NORMAL = 2.0**-14  # of float16: with all its 11 bits
BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16")


def gradients_of(workload: Workload) -> list[Floats]:
    """Return the gradients of the first batch with respect to what each linear layer returns.

    float32, one array a layer: what flows back through the network, and in half precision would be
    kept in it. The loss is a mean over all tokens, so these are smaller than those of the weights.
    """
    model, outputs = workload.model(), list[torch.Tensor]()

    def keep(*called: Any) -> None:
        output: torch.Tensor = called[-1]  # after the module and its input
        output.retain_grad()
        outputs.append(output)

    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(keep)
    x, y = workload.batch_of(0)
    torch.autograd.backward(loss_of(model, x, targets=y))
    return [each.grad.numpy() for each in outputs if each.grad is not None]


def lost_in_float16(gradients: Sequence[Floats], scale: float) -> tuple[float, float, float]:
    """Return the shares of the gradients that become 0, lose digits, and become infinite.

    Parameters
    ----------
    gradients
        float32; those that are 0 already do not count.
    scale
        What they are multiplied by before they are cut to float16. Below 2**-14, about 6.1e-5, a
        number loses digits.

    Examples
    --------
    >>> lost_in_float16([np.array([1.0, 1e-9, 0.0, 1e-6, 1e3], np.float32)], scale=128.0)
    (0.0, 0.25, 0.25)
    """
    flat = np.concatenate([g.ravel() for g in gradients])
    flat = flat[flat != 0]
    with np.errstate(over="ignore"):  # what overflows is counted
        halves = np.abs((flat * np.float32(scale)).astype(np.float16))
    coarse = (halves > 0) & (halves < SMALLEST_NORMAL)
    return float((halves == 0).mean()), float(coarse.mean()), float(np.isinf(halves).mean())


def bf16_instructions() -> list[str]:
    """Return which instructions for bfloat16 this processor has, as torch names them.

    Empty also where an older torch does not tell.
    """
    ask: Callable[[], dict[str, object]] = getattr(torch.cpu, "get_capabilities", dict)
    found = ask()
    return [name for name in BF16_INSTRUCTIONS if found.get(name)]


def precise_step(workload: Workload, dtype: str) -> Callable[[], None]:
    """Return a call that trains one step under autocast to a dtype.

    float16 is not scaled here: the time is wanted, not the weights.

    Parameters
    ----------
    workload
        Whose first batch is trained on for ever.
    dtype
        Name in torch; ``float32`` is no autocast.
    """
    device = devices.local()
    model = workload.model().to(device)
    optimizer = workload.optimizer(model)
    x, y = (part.to(device) for part in workload.batch_of(0))

    def cast() -> AbstractContextManager[None]:
        if dtype == "float32":
            return nullcontext()
        return torch.autocast(device.type, dtype=getattr(torch, dtype))

    def step() -> None:
        optimizer.zero_grad()
        with cast():
            loss = loss_of(model, x, targets=y)
        torch.autograd.backward(loss)
        optimizer.step()

    return step


def capability() -> tuple[int, int] | None:
    """Return the compute capability of this process's GPU; None without one."""
    device = devices.local()
    return torch.cuda.get_device_capability(device) if device.type == "cuda" else None
