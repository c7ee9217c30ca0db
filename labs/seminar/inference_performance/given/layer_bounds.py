"""Stand-in for exercise 6.7: each product's range by its sign, no corner visited."""

import numpy as np
import numpy.typing as npt

__all__ = ["layer_bound"]

Floats = npt.NDArray[np.float64]


def layer_bound(
    weights: Floats, weight_error: Floats, inputs: Floats, input_error: Floats
) -> Floats:
    """Return the largest absolute change of each output.

    Parameters
    ----------
    weights, weight_error
        (outputs, inputs), errors >= 0.
    inputs, input_error
        (inputs,), errors >= 0.
    """
    by_weight, by_input = weight_error * np.abs(inputs), np.abs(weights) * input_error
    both = weight_error * input_error
    # Away from 0 all three add up; towards 0 either both errors count or one against the other.
    away = by_weight + by_input + both
    towards = np.maximum(by_weight + by_input - both, np.abs(by_weight - by_input) + both)
    is_positive = np.signbit(weights) == np.signbit(inputs)
    up = np.where(is_positive, away, towards).sum(axis=1)
    down = np.where(is_positive, towards, away).sum(axis=1)
    return np.asarray(np.maximum(up, down))
