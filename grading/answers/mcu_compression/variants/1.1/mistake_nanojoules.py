# message: 3,000,000 MACs in int8 [uJ]: expected 0.9, you have 900
def relative_energy(energy_pj, base):
    return {name: value / energy_pj[base] for name, value in energy_pj.items()}


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    return macs * (multiply_pj + add_pj) / 1e3
