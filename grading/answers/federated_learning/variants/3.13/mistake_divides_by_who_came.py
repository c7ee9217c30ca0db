# message: 3 updates, clip 3: number 0
import numpy as np


def clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal):
    lengths = np.linalg.norm(updates, axis=1, keepdims=True)
    kept = updates / np.maximum(1, lengths / clip)
    noise = noise_multiplier * clip * normal(updates.shape[1])
    return (kept.sum(axis=0) + noise) / max(1, len(updates))
