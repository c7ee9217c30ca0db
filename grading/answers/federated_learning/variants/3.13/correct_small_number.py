import numpy as np


def clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal):
    """Against a division by zero, torch adds a millionth to a length; so may you."""
    factors = [min(1.0, clip / (np.sqrt(u @ u) + 1e-6)) for u in updates]
    total = np.zeros(updates.shape[1])
    for factor, update in zip(factors, updates):
        total += factor * update
    total += normal(len(total)) * noise_multiplier * clip
    return total / expected_clients
