# message: a round asks clients [0, 2], each once; yours asks [0, 1, 2]
import numpy as np


def client_update(weights, batches, *, gradient_of, learning_rate):
    for batch in batches:
        weights = weights - learning_rate * gradient_of(weights, batch)
    return weights


def fed_avg(returned, samples):
    shares = np.array(samples) / np.sum(samples)
    return (shares @ np.array(returned, dtype=np.float64)).astype(np.float32)


def federated_round(weights, train, *, samples):
    return fed_avg([train(client, weights) for client in range(len(samples))], samples)
