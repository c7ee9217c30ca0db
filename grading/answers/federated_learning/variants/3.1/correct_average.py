import numpy as np


def client_update(weights, batches, *, gradient_of, learning_rate):
    for batch in batches:
        weights = weights - learning_rate * gradient_of(weights, batch)
    return weights


def fed_avg(returned, samples):
    return np.average(np.float64(returned), axis=0, weights=samples).astype(np.float32)


def federated_round(weights, train, *, samples):
    returned, counts = [], []
    for client in reversed(range(len(samples))):
        if samples[client]:
            returned.append(train(client, weights.copy()))
            counts.append(samples[client])
    return fed_avg(returned, counts) if counts else weights.copy()
