# message: the weights after round
import numpy as np


def update_cosine(updates):
    unit = updates / np.maximum(np.linalg.norm(updates, axis=1, keepdims=True), 1e-300)
    return (unit @ unit.T)[np.triu_indices(len(unit), 1)].mean()


def client_steps(gradient, start, *, steps, learning_rate, mu=0.0, correction=0.0):
    w = start
    for _ in range(steps):
        w = w - learning_rate * (gradient(w) + mu * (w - start) + correction)
    return w


def new_variate(start, end, *, steps, learning_rate, variates):
    return (start - end) / (steps * learning_rate) + variates[1] - variates[0]


def fed_adam(weights, update, *, state, learning_rate):
    m = 0.9 * state["mean"] + 0.1 * update
    v = 0.99 * state["square"] + 0.01 * update**2
    return weights - learning_rate * m / (np.sqrt(v) + 0.001), {"mean": m, "square": v}
