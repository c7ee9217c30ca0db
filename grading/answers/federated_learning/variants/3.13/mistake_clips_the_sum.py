# message: clip 5: number
import numpy as np


def clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal):
    total = updates.sum(axis=0)
    total = total / max(1, np.linalg.norm(total) / clip)
    noise = noise_multiplier * clip * normal(updates.shape[1])
    return (total + noise) / expected_clients
