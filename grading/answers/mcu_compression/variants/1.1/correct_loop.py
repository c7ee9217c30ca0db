def relative_energy(energy_pj, base):
    reference = energy_pj[base]
    column = {}
    for name in energy_pj:
        column[name] = energy_pj[name] / reference
    return column


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    joules = macs * multiply_pj * 1e-12 + macs * add_pj * 1e-12
    return joules * 1e6
