# message: normal is called once, for the sum; yours calls it 3 times
import numpy as np


def clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal):
    lengths = np.linalg.norm(updates, axis=1, keepdims=True)
    kept = updates / np.maximum(1, lengths / clip)
    noise = sum(noise_multiplier * clip * normal(updates.shape[1]) for _ in updates)
    return (kept.sum(axis=0) + noise) / expected_clients
