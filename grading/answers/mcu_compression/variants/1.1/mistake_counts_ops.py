# message: 3,000,000 MACs in int8 [uJ]: expected 0.9, you have 1.8
def relative_energy(energy_pj, base):
    return {name: value / energy_pj[base] for name, value in energy_pj.items()}


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    return 2 * macs * (multiply_pj + add_pj) / 1e6
