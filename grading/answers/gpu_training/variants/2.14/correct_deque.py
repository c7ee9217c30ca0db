from collections import deque


def energy_to_target(losses, energies_j, target, window):
    last, spent = deque(maxlen=window), 0.0
    for number, (loss, energy) in enumerate(zip(losses, energies_j), start=1):
        last.append(loss)
        spent += energy
        if len(last) == window and sum(last) / len(last) <= target:
            return number, spent
