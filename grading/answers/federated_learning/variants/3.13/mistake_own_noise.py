# message: normal is called once, for the sum; yours calls it 0 times
import numpy as np


def clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal):
    lengths = np.linalg.norm(updates, axis=1, keepdims=True)
    kept = updates / np.maximum(1, lengths / clip)
    noise = noise_multiplier * clip * np.random.default_rng().normal(size=updates.shape[1])
    return (kept.sum(axis=0) + noise) / expected_clients
