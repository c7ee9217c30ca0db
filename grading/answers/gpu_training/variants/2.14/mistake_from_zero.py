# message: counted from 1
def energy_to_target(losses, energies_j, target, window):
    for looks in range(window, len(losses) + 1):
        if sum(losses[looks - window : looks]) / window <= target:
            return looks - 1, sum(energies_j[:looks])
    return None
