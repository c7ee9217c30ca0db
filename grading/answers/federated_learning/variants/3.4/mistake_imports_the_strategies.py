# message: withheld
import numpy as np

from labs.federated_learning import strategies


def update_cosine(updates):
    unit = updates / np.maximum(np.linalg.norm(updates, axis=1, keepdims=True), 1e-300)
    return (unit @ unit.T)[np.triu_indices(len(unit), 1)].mean()


def client_steps(gradient, start, *, steps, learning_rate, mu=0.0, correction=0.0):
    w = start
    for _ in range(steps):
        w = w - learning_rate * (gradient(w) + mu * (w - start) + correction)
    return w


def new_variate(start, end, *, steps, learning_rate, variates):
    return strategies.drift.new_variate(
        start, end, steps=steps, learning_rate=learning_rate, variates=variates
    )


def fed_adam(weights, update, *, state, learning_rate):
    return strategies.drift.fed_adam(weights, update, state=state, learning_rate=learning_rate)
