# Exercise 1.1
def relative_energy(energy_pj, base):
    column = torch.tensor(list(energy_pj.values()), dtype=torch.float32)
    return dict(zip(energy_pj, (column / energy_pj[base]).tolist()))


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    return float(np.float32(macs) * np.float32(multiply_pj + add_pj) * np.float32(1e-6))
