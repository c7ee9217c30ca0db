# message: J together
def energy_to_target(losses, energies_j, target, window):
    for looks in range(window, len(losses) + 1):
        if sum(losses[looks - window : looks]) / window <= target:
            return looks, sum(energies_j)
    return None
