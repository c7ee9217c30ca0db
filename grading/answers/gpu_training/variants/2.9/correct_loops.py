import math

import numpy as np


def adamw_update(weights, gradient, *, state, learning_rate):
    step = state["step"] + 1
    new, means, squares = [], [], []
    for i, w in enumerate(weights.tolist()):
        g = float(gradient[i])
        m = 0.9 * float(state["mean"][i]) + (1 - 0.9) * g
        v = 0.999 * float(state["square"][i]) + (1 - 0.999) * g * g
        root = math.sqrt(v / (1 - 0.999**step)) + 1e-8
        new.append(w - learning_rate * 0.01 * w - learning_rate * m / (1 - 0.9**step) / root)
        means.append(m)
        squares.append(v)
    return new, {"step": step, "mean": np.array(means), "square": np.array(squares)}


def zero1_step(weights, gradient, *, place, update, reduce_scatter, all_gather):
    rank, ranks = place
    piece = math.ceil(len(weights) / ranks)
    old = np.zeros(piece * ranks, weights.dtype)
    slope = np.zeros(piece * ranks, gradient.dtype)
    for i in range(len(weights)):
        old[i], slope[i] = weights[i], gradient[i]
    total = reduce_scatter(slope)
    mean = np.array([x / ranks for x in total], dtype=np.float32)
    new = update(old[rank * piece : (rank + 1) * piece], mean)
    return list(all_gather(new))[: len(weights)]


def bytes_per_rank(parameters, ranks, *, stage, precision):
    sizes = {"weights": 4, "gradients": 4, "optimizer": 8}
    if precision == "mixed":
        sizes = {"weights": 2, "gradients": 2, "optimizer": 12}
    piece = parameters // ranks + (1 if parameters % ranks else 0)
    split = ["optimizer", "gradients", "weights"][:stage]
    return {part: size * (piece if part in split else parameters) for part, size in sizes.items()}
