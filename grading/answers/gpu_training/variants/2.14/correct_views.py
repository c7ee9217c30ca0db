import numpy as np


def energy_to_target(losses, energies_j, target, window):
    if len(losses) < window:
        return None
    means = np.lib.stride_tricks.sliding_window_view(np.array(losses, float), window).mean(axis=1)
    hits = means <= target
    if not hits.any():
        return None
    looks = int(hits.argmax()) + window
    return [looks, float(np.cumsum(energies_j)[looks - 1])]
