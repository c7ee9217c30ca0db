"""What exercise 2.9 is judged by: AdamW in float64, and the bytes that a rank holds with ZeRO.

The constants are those of `torch.optim.AdamW`. Nothing here runs on ranks.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
BETAS, EPS, DECAY = (0.9, 0.999), 1e-8, 0.01
PARTS = ("weights", "gradients", "optimizer")
BYTES = {"float32": (4, 4, 8), "mixed": (2, 2, 12)}  # of a parameter, by part


def fresh_state(size: int) -> dict[str, Any]:
    """Return the state of AdamW before its first step.

    Parameters
    ----------
    size
        Number of weights.

    Examples
    --------
    >>> sorted(fresh_state(2))
    ['mean', 'square', 'step']
    """
    return {"step": 0, "mean": np.zeros(size, np.float32), "square": np.zeros(size, np.float32)}


def adamw(
    weights: Array, gradient: Array, *, state: Mapping[str, Any], learning_rate: float
) -> tuple[Array, dict[str, Any]]:
    """Return weights and state after a step of AdamW, in float64.

    Parameters
    ----------
    weights, gradient
        (n,), real.
    state
        As `fresh_state` gives it.
    learning_rate
        Of this step.

    Examples
    --------
    >>> zero, one = np.zeros(1), np.ones(1)
    >>> adamw(zero, one, state=fresh_state(1), learning_rate=0.5)[0].round(6)
    array([-0.5])
    """
    w, g = weights.astype(np.float64), gradient.astype(np.float64)
    step = state["step"] + 1
    mean = BETAS[0] * state["mean"] + (1 - BETAS[0]) * g
    square = BETAS[1] * state["square"] + (1 - BETAS[1]) * g**2
    root = np.sqrt(square / (1 - BETAS[1] ** step)) + EPS
    new = w * (1 - learning_rate * DECAY) - learning_rate * mean / (1 - BETAS[0] ** step) / root
    return new, {"step": step, "mean": mean, "square": square}


def held_bytes(parameters: int, ranks: int, *, stage: int, precision: str) -> dict[str, int]:
    """Return what a rank holds [B], by part.

    Parameters
    ----------
    parameters, ranks
        How many of each.
    stage
        Of ZeRO: 1 splits the optimiser's part, 2 also the gradients, 3 also the weights.
    precision
        ``float32`` or ``mixed``: weights and gradients in 16 bits, the optimiser with two moments
        and the weights in float32.

    Examples
    --------
    >>> sum(held_bytes(7_500_000_000, 64, stage=3, precision="mixed").values()) / 1e9
    1.875
    """
    piece = -(-parameters // ranks)
    is_split = (stage >= 3, stage >= 2, stage >= 1)
    sizes = [
        each * (piece if split else parameters)
        for each, split in zip(BYTES[precision], is_split, strict=True)
    ]
    return dict(zip(PARTS, sizes, strict=True))
