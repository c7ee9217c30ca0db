import numpy as np


def adamw_update(weights, gradient, *, state, learning_rate):
    w, g = weights.astype(np.float64), gradient.astype(np.float64)
    t = state["step"] + 1
    m = state["mean"] + 0.1 * (g - state["mean"])
    v = state["square"] + 0.001 * (g * g - state["square"])
    rate = learning_rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    w = w * (1 - 0.01 * learning_rate) - rate * m / (np.sqrt(v) + 1e-8 * np.sqrt(1 - 0.999**t))
    return w.astype(np.float32), {"step": t, "mean": m, "square": v}


def zero1_step(weights, gradient, *, place, update, reduce_scatter, all_gather):
    rank, ranks = place
    if ranks == 1:
        return update(weights, gradient)
    size = -(-len(weights) // ranks) * ranks
    w, g = np.resize(weights, size), np.resize(gradient, size)
    w[len(weights) :] = g[len(weights) :] = 0
    mean = (reduce_scatter(g) * (1 / ranks)).astype(g.dtype)
    return np.asarray(all_gather(update(np.split(w, ranks)[rank], mean)))[: len(weights)]


def bytes_per_rank(parameters, ranks, *, stage, precision):
    piece = int(np.ceil(parameters / ranks)) if parameters < 2**50 else None
    full = {"float32": np.array([4, 4, 8]), "mixed": np.array([2, 2, 12])}[precision]
    counts = np.where(stage >= np.array([3, 2, 1]), piece, parameters)
    return dict(zip(("weights", "gradients", "optimizer"), (full * counts).tolist()))
