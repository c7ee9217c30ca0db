"""A stand-in for the function of exercise 2.4, from NumPy's weighted average."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["accumulated_gradients"]

Floats = NDArray[np.floating[Any]]


def accumulated_gradients(
    gradient_of: Callable[..., tuple[float, list[Floats]]],
    batch: tuple[NDArray[np.int64], NDArray[np.int64]],
    *,
    size: int,
) -> tuple[float, list[Floats]]:
    """Return mean loss and gradients of a batch, averaged over pieces by `numpy.average`.

    Parameters
    ----------
    gradient_of
        ``gradient_of(x, y)``: mean loss and gradients of a piece, over the targets that count.
    batch
        Codes and targets, (sequences, tokens) each; a target of -100 does not count.
    size
        Most sequences of a piece.
    """
    x, y = batch
    places = np.array_split(np.arange(len(x)), range(size, len(x), size))
    weights = [np.count_nonzero(y[place] != -100) for place in places]
    parts = [
        (weight, *gradient_of(x[place], y[place]))
        for place, weight in zip(places, weights, strict=True)
        if weight
    ]
    shares, losses, gradients = zip(*parts, strict=True)
    mean = [np.average(each, axis=0, weights=shares) for each in zip(*gradients, strict=True)]
    return float(np.average(losses, weights=shares)), mean
