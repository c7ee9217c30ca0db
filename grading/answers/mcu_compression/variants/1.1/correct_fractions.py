from fractions import Fraction


def relative_energy(energy_pj, base):
    one = Fraction(energy_pj[base])
    return {name: float(Fraction(value) / one) for name, value in energy_pj.items()}


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    picojoules = macs * (Fraction(multiply_pj) + Fraction(add_pj))
    return float(picojoules / 10**6)
