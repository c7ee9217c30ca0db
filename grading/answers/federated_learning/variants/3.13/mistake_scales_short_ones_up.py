# message: clip 5: number 0
import numpy as np


def clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal):
    lengths = np.linalg.norm(updates, axis=1, keepdims=True)
    kept = updates * clip / np.maximum(lengths, 1e-12)
    noise = noise_multiplier * clip * normal(updates.shape[1])
    return (kept.sum(axis=0) + noise) / expected_clients
