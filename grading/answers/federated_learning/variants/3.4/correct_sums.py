import numpy as np


def update_cosine(updates):
    lengths = np.sqrt((updates**2).sum(axis=1))
    moved = updates[lengths > 0] / lengths[lengths > 0, None]
    clients = len(updates)
    # The squared length of a sum of unit vectors is their number plus twice all pairs' cosines.
    return float(((moved.sum(axis=0) ** 2).sum() - len(moved)) / (clients * (clients - 1)))


def client_steps(gradient, start, *, steps, learning_rate, mu=0.0, correction=0.0):
    moved = np.zeros_like(start)
    for _ in range(steps):
        slope = gradient(start + moved) + correction
        moved = (1 - learning_rate * mu) * moved - learning_rate * slope
    return start + moved


def new_variate(start, end, *, steps, learning_rate, variates):
    difference = np.subtract(*variates)
    return (start - end - steps * learning_rate * difference) / (steps * learning_rate)


def fed_adam(weights, update, *, state, learning_rate):
    mean = state["mean"] + 0.1 * (update - state["mean"])
    square = state["square"] + 0.01 * (update * update - state["square"])
    new = {"mean": mean, "square": square}
    return weights + learning_rate * np.divide(mean, 0.001 + square**0.5), new
