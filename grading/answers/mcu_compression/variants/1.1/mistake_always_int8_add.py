# message: as a multiple of int8 multiply: expected
def relative_energy(energy_pj, base):
    return {name: value / energy_pj["int8 add"] for name, value in energy_pj.items()}


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    return macs * (multiply_pj + add_pj) / 1e6
