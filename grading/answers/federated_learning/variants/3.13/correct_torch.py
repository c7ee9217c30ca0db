import torch


def clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal):
    rows = torch.from_numpy(updates)
    factors = torch.clamp(clip / (rows.norm(dim=1) + 1e-12), max=1.0)
    noise = torch.from_numpy(normal(rows.shape[1])) * (noise_multiplier * clip)
    return ((factors @ rows + noise) / expected_clients).numpy()
