"""Affine quantisation, asked of the lab's own `labs.mcu_compression.affine`."""

import numpy as np
import numpy.typing as npt

from labs.mcu_compression import affine


def affine_parameters(low: float, high: float, bits: int) -> tuple[float, int]:
    """Return scale and zero point of a range.

    Parameters
    ----------
    low, high
        Ends of the range, ``low <= high``.
    bits
        Bits of a code, 2 to 16.
    """
    grid = affine.Grid.spanning(float(low), float(high), bits=bits)
    return grid.scale, grid.zero_point


def quantize(x: npt.ArrayLike, scale: float, zero_point: int, bits: int) -> npt.NDArray[np.int64]:
    """Return the code of each value.

    Parameters
    ----------
    x
        Any shape.
    scale, zero_point
        As `affine_parameters` returns them.
    bits
        Bits of a code, 2 to 16.
    """
    return affine.Grid(float(scale), int(zero_point), bits).codes(x)


def channel_scales(weights: npt.ArrayLike, bits: int) -> npt.NDArray[np.float32]:
    """Return one symmetric scale for each output channel.

    Parameters
    ----------
    weights
        (out, ...).
    bits
        Bits of a code, 2 to 16.
    """
    return affine.channel_scales(np.asarray(weights, dtype=np.float64), bits=bits)
