# message: client 2 starts from the weights of the round
import numpy as np


def client_update(weights, batches, *, gradient_of, learning_rate):
    for batch in batches:
        weights = weights - learning_rate * gradient_of(weights, batch)
    return weights


def fed_avg(returned, samples):
    shares = np.array(samples) / np.sum(samples)
    return (shares @ np.array(returned, dtype=np.float64)).astype(np.float32)


def federated_round(weights, train, *, samples):
    returned, asked = [weights], [client for client, n in enumerate(samples) if n]
    if not asked:
        return weights
    for client in asked:
        returned.append(train(client, returned[-1]))
    return fed_avg(returned[1:], [samples[client] for client in asked])
