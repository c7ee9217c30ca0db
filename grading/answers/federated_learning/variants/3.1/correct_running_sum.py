import numpy as np


def client_update(weights, batches, *, gradient_of, learning_rate):
    own = weights.copy()
    for batch in batches:
        own -= np.float32(learning_rate) * gradient_of(own.copy(), batch)
    return own


def fed_avg(returned, samples):
    total, count = 0.0, 0
    for weights, n in zip(returned, samples):
        total = total + n * weights.astype(np.float64)
        count += n
    return np.float32(total / count)


def federated_round(weights, train, *, samples):
    asked = [client for client, count in enumerate(samples) if count > 0]
    if not asked:
        return weights
    returned = [train(client, weights) for client in asked]
    return fed_avg(returned, [samples[client] for client in asked])
