# message: weight 0 is
import numpy as np


def client_update(weights, batches, *, gradient_of, learning_rate):
    for batch in batches:
        weights = weights - learning_rate * gradient_of(weights, batch)
    return weights


def fed_avg(returned, samples):
    shares = np.array(samples) / np.sum(samples)
    return sum(np.float32(s) * w for s, w in zip(shares, returned))


def federated_round(weights, train, *, samples):
    asked = [client for client, count in enumerate(samples) if count > 0]
    if not asked:
        return weights
    returned = [train(client, weights) for client in asked]
    return fed_avg(returned, [samples[client] for client in asked])
