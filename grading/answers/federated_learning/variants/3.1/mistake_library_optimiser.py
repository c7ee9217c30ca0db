# message: withheld
import numpy as np
import torch


def client_update(weights, batches, *, gradient_of, learning_rate):
    held = torch.nn.Parameter(torch.tensor(weights))
    optimizer = torch.optim.SGD([held], lr=learning_rate)
    for batch in batches:
        held.grad = torch.tensor(gradient_of(held.detach().numpy().copy(), batch))
        optimizer.step()
    return held.detach().numpy()


def fed_avg(returned, samples):
    shares = np.array(samples) / np.sum(samples)
    return (shares @ np.array(returned, dtype=np.float64)).astype(np.float32)


def federated_round(weights, train, *, samples):
    asked = [client for client, count in enumerate(samples) if count > 0]
    if not asked:
        return weights
    returned = [train(client, weights) for client in asked]
    return fed_avg(returned, [samples[client] for client in asked])
