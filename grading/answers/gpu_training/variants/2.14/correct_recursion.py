def energy_to_target(losses, energies_j, target, window, looks=None):
    looks = window if looks is None else looks
    if looks > len(losses):
        return None
    mean = sum(losses[looks - 1 - i] for i in range(window)) / window
    if mean <= target:
        return looks, sum(energies_j[i] for i in range(looks))
    return energy_to_target(losses, energies_j, target, window, looks + 1)
