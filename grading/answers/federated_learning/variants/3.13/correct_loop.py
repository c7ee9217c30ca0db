import math


def clip_and_noise(updates, clip, *, noise_multiplier, expected_clients, normal):
    size = updates.shape[1]
    total = noise_multiplier * clip * normal(size)
    for update in updates:
        length = math.sqrt(sum(float(u) ** 2 for u in update))
        total = total + (update * (clip / length) if length > clip else update)
    return total / expected_clients
