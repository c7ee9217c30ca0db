# message: withheld
import numpy as np
import torch


def update_cosine(updates):
    unit = updates / np.maximum(np.linalg.norm(updates, axis=1, keepdims=True), 1e-300)
    return (unit @ unit.T)[np.triu_indices(len(unit), 1)].mean()


def client_steps(gradient, start, *, steps, learning_rate, mu=0.0, correction=0.0):
    sent = torch.tensor(start)
    w = torch.nn.Parameter(sent.clone())
    optimizer = torch.optim.SGD([w], lr=learning_rate)
    for _ in range(steps):
        here = w.detach()
        own = torch.as_tensor(gradient(here.numpy().copy()))
        w.grad = own + mu * (here - sent) + torch.as_tensor(correction)
        optimizer.step()
    return w.detach().numpy()


def new_variate(start, end, *, steps, learning_rate, variates):
    return (start - end) / (steps * learning_rate) + variates[1] - variates[0]


def fed_adam(weights, update, *, state, learning_rate):
    m = 0.9 * state["mean"] + 0.1 * update
    v = 0.99 * state["square"] + 0.01 * update**2
    return weights + learning_rate * m / (np.sqrt(v) + 0.001), {"mean": m, "square": v}
