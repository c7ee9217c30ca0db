import numpy as np


def relative_energy(energy_pj, base):
    names = list(energy_pj)
    energies = np.array([energy_pj[name] for name in names], dtype=float)
    return dict(zip(names, energies / energies[names.index(base)]))


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    return 1e-6 * np.float64(macs) * np.sum([multiply_pj, add_pj])
