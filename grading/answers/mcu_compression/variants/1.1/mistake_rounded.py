# message: int8 multiply as a multiple of int8 add: expected 6.66667, you have 6.7
def relative_energy(energy_pj, base):
    return {name: round(value / energy_pj[base], 1) for name, value in energy_pj.items()}


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    return macs * (multiply_pj + add_pj) / 1e6
