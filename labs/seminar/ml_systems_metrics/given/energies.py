"""Stand-ins for exercise 8.1: relative energies and a layer's bound, by way of arrays."""

from collections.abc import Mapping

import numpy as np

__all__ = ["layer_energy_pj", "relative_energy"]


def relative_energy(table: Mapping[str, float], base: str) -> dict[str, float]:
    """Return every energy as a multiple of one of them.

    Parameters
    ----------
    table
        Name to energy [pJ].
    base
        Name of the unit.
    """
    shares = np.array(list(table.values())) / table[base]
    return dict(zip(table, shares.tolist(), strict=True))


def layer_energy_pj(
    shape: tuple[int, ...], precision: str, table: Mapping[str, float]
) -> tuple[float, float]:
    """Return the energy of a convolution's arithmetic and of its memory traffic [pJ].

    Parameters
    ----------
    shape
        Input channels, output channels, kernel, height, width.
    precision
        ``float32`` or ``int8``.
    table
        As in `published.HOROWITZ_PJ`.
    """
    ins, outs, kernel, height, width = shape
    kernels = np.ones((outs, ins, kernel, kernel), np.int64)
    sides = np.array([ins, outs]) * height * width
    bits = np.array([kernels.size, *sides]) * (32 if precision == "float32" else 8)
    words = np.ceil(bits / 32).sum()
    keys = ("float32 multiply", "float32 add")
    if precision == "int8":
        keys = ("int8 multiply", "int32 add")
    per_mac_pj = sum(table[key] for key in keys)
    return float(kernels.sum() * height * width * per_mac_pj), float(words * table["DRAM read"])
