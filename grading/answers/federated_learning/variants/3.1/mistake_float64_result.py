# message: is float32 of shape (2,); yours float64
import numpy as np


def client_update(weights, batches, *, gradient_of, learning_rate):
    for batch in batches:
        weights = weights - learning_rate * gradient_of(weights, batch)
    return weights


def fed_avg(returned, samples):
    return np.average(np.float64(returned), axis=0, weights=samples)


def federated_round(weights, train, *, samples):
    asked = [client for client, count in enumerate(samples) if count > 0]
    if not asked:
        return weights
    returned = [train(client, weights) for client in asked]
    return fed_avg(returned, [samples[client] for client in asked])
