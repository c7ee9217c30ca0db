# message: counted from 1
def energy_to_target(losses, energies_j, target, window):
    for looks in range(1, len(losses) + 1):
        if sum(losses[max(0, looks - window) : looks]) / min(looks, window) <= target:
            return looks, sum(energies_j[:looks])
    return None
