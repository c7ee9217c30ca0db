# message: withheld
import numpy as np
import torch


def adamw_update(weights, gradient, *, state, learning_rate):
    piece = torch.nn.Parameter(torch.tensor(weights))
    piece.grad = torch.tensor(gradient)
    optimizer = torch.optim.AdamW([piece], lr=learning_rate)
    own = optimizer.state[piece]
    own["step"] = torch.tensor(float(state["step"]))
    own["exp_avg"] = torch.tensor(state["mean"])
    own["exp_avg_sq"] = torch.tensor(state["square"])
    optimizer.step()
    after = {"mean": own["exp_avg"], "square": own["exp_avg_sq"]}
    return piece.detach(), {"step": state["step"] + 1, **after}


def zero1_step(weights, gradient, *, place, update, reduce_scatter, all_gather):
    """Return all new weights; this rank updates its own piece alone."""
    rank, ranks = place
    padding = (0, -len(weights) % ranks)
    mean = reduce_scatter(np.pad(gradient, padding)) / ranks
    own = np.pad(weights, padding).reshape(ranks, -1)[rank]
    return all_gather(update(own, mean))[: len(weights)]


def bytes_per_rank(parameters, ranks, *, stage, precision):
    """Return a dict with the bytes of weights, gradients and optimizer."""
    each = (4, 4, 8) if precision == "float32" else (2, 2, 12)
    held = [-(-parameters // (ranks if stage >= first else 1)) for first in (3, 2, 1)]
    return dict(zip(("weights", "gradients", "optimizer"), np.multiply(each, held).tolist()))
