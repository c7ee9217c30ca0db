# message: withheld
import torch


def clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal):
    kept = torch.renorm(torch.from_numpy(updates), 2, 0, clip).numpy()
    noise = noise_multiplier * clip * normal(updates.shape[1])
    return (kept.sum(axis=0) + noise) / expected_clients
