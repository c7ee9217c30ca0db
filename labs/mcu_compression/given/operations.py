"""Stands in for exercise 1.1: multiples of an operation's energy, and energies of arithmetic."""

import numpy as np

from labs.mcu_compression.operations import PJ_PER_UJ


def relative_energy(energy_pj: dict[str, float], base: str) -> dict[str, float]:
    """Return each energy as a multiple of that of `base`.

    Parameters
    ----------
    energy_pj
        Name -> energy [pJ], > 0.
    base
        One of the names.
    """
    column = np.fromiter(energy_pj.values(), dtype=np.float64)
    return dict(zip(energy_pj, np.divide(column, energy_pj[base]).tolist(), strict=True))


def arithmetic_energy_uj(macs: int, multiply_pj: float, add_pj: float) -> float:
    """Return the energy of multiply-accumulates [uJ].

    Parameters
    ----------
    macs
        Multiply-accumulates, >= 0.
    multiply_pj, add_pj
        Energy of one multiply and of one add [pJ].
    """
    return float(np.dot([macs, macs], [multiply_pj, add_pj])) / PJ_PER_UJ
