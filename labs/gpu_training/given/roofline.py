"""Stand-ins for the three functions of exercise 2.2, from torch's counter of operations."""

from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["attainable_ops_per_s", "linear_intensity", "step_ops"]


def attainable_ops_per_s(intensity: Any, peak: float, bandwidth: float) -> Any:
    """Return the bound at intensities, a number or an array [op/B], by clipping.

    Parameters
    ----------
    intensity
        In operations per byte.
    peak, bandwidth
        Of the machine [op/s, B/s].
    """
    return np.clip(bandwidth * np.asarray(intensity, dtype=np.float64), None, peak)[()]


def linear_intensity(tokens: int, inputs: int, outputs: int, number_bytes: float) -> float:
    """Return operations per byte of a linear layer, counted by torch on tensors without data.

    Parameters
    ----------
    tokens, inputs, outputs
        Rows of the input, its columns, those of the output.
    number_bytes
        Of one number.
    """
    x, weights = (
        torch.empty(shape, device="meta") for shape in ((tokens, inputs), (inputs, outputs))
    )
    with FlopCounterMode(display=False) as counter:
        y = x @ weights
    moved = number_bytes * sum(part.numel() for part in (x, weights, y))
    return float(counter.get_total_flops() / moved)


def step_ops(tokens: int, parameters: int, layers: int, width: int, context: int) -> int:
    """Return the operations of a training step of a transformer, as in PaLM's appendix B.

    Parameters
    ----------
    tokens
        Of the step.
    parameters
        Weights of linear layers.
    layers, width, context
        Of the transformer.
    """
    return 6 * parameters * tokens + 12 * layers * width * context * tokens
