# message: the answer is a dict, you have a list
def relative_energy(energy_pj, base):
    return [value / energy_pj[base] for value in energy_pj.values()]


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    return macs * (multiply_pj + add_pj) / 1e6
