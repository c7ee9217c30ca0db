# message: 2 batches need 2 gradients; yours asks for 1
import numpy as np


def client_update(weights, batches, *, gradient_of, learning_rate):
    return weights - learning_rate * gradient_of(weights, batches[0])


def fed_avg(returned, samples):
    shares = np.array(samples) / np.sum(samples)
    return (shares @ np.array(returned, dtype=np.float64)).astype(np.float32)


def federated_round(weights, train, *, samples):
    asked = [client for client, count in enumerate(samples) if count > 0]
    if not asked:
        return weights
    returned = [train(client, weights) for client in asked]
    return fed_avg(returned, [samples[client] for client in asked])
