import numpy as np


def client_update(weights, batches, *, gradient_of, learning_rate):
    own = weights.astype(np.float64)
    for batch in batches:
        own = own - learning_rate * gradient_of(own, batch)
    return own.astype(np.float32)


def fed_avg(returned, samples):
    shares = np.array(samples) / np.sum(samples)
    return (shares @ np.array(returned, dtype=np.float64)).astype(np.float32)


def federated_round(weights, train, *, samples):
    samples = np.array(samples)
    asked = np.flatnonzero(samples)
    if asked.size == 0:
        return weights
    return fed_avg([train(int(k), weights) for k in asked], samples[asked])
