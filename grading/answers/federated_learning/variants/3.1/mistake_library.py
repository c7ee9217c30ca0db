# message: withheld
import torch

from labs.federated_learning.loop import FedAvg, Return


def client_update(weights, batches, *, gradient_of, learning_rate):
    for batch in batches:
        weights = weights - learning_rate * gradient_of(weights, batch)
    return weights


def fed_avg(returned, samples):
    sent = [
        Return(k, torch.tensor(w), n, 1, 0.0) for k, (w, n) in enumerate(zip(returned, samples))
    ]
    return FedAvg().aggregate(torch.tensor(returned[0]), sent).numpy()


def federated_round(weights, train, *, samples):
    asked = [client for client, count in enumerate(samples) if count > 0]
    if not asked:
        return weights
    returned = [train(client, weights) for client in asked]
    return fed_avg(returned, [samples[client] for client in asked])
