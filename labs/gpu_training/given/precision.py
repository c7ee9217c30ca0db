"""Stand-ins for the two functions of exercise 2.5, from `torch.amp.GradScaler`."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["choose_precision", "scaler_step"]

Floats = NDArray[np.float32]


def choose_precision(capability: tuple[int, int] | None) -> tuple[str, bool]:
    """Return the type of numbers, and whether gradients are scaled.

    Parameters
    ----------
    capability
        Compute capability of the GPU, as ``torch.cuda.get_device_capability()`` gives it; None
        without a GPU.
    """
    if capability is None:
        return "float32", False
    return {True: ("bfloat16", False), False: ("float16", True)}[tuple(capability) >= (8, 0)]


def scaler_step(
    gradients: Sequence[Floats], scale: float, good_steps: int, growth_interval: int
) -> tuple[list[Floats] | None, float, int]:
    """Return unscaled gradients or None, the next scale and the next number of good steps.

    Parameters
    ----------
    gradients
        Of the scaled loss, one array a parameter.
    scale
        What the loss was multiplied by.
    good_steps, growth_interval
        Good steps since the scale last changed, and how many make it grow.
    """
    parameters = [torch.nn.Parameter(torch.zeros(g.shape)) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    # From zero and upwards, so that each parameter becomes its gradient.
    optimizer = torch.optim.SGD(parameters, lr=1.0, maximize=True)
    scaler = torch.amp.GradScaler("cpu")
    now = {"scale": scale, "growth_interval": growth_interval, "_growth_tracker": good_steps}
    scaler.load_state_dict(scaler.state_dict() | now)
    scaler.scale(torch.zeros(1))  # creates its state
    scaler.step(optimizer)
    scaler.update()
    state = scaler.state_dict()
    is_skipped = state["scale"] < scale
    found = None if is_skipped else [p.detach().numpy() for p in parameters]
    return found, float(state["scale"]), int(state["_growth_tracker"])
