import torch
from torch.nn import functional


def adamw_update(weights, gradient, *, state, learning_rate):
    w, g = torch.as_tensor(weights), torch.as_tensor(gradient)
    step = state["step"] + 1
    mean = torch.as_tensor(state["mean"]).lerp(g, 0.1)
    square = torch.as_tensor(state["square"]).mul(0.999).addcmul(g, g, value=0.001)
    root = (square.sqrt() / (1 - 0.999**step) ** 0.5).add(1e-8)
    kept, rate = w * (1 - learning_rate * 0.01), learning_rate / (1 - 0.9**step)
    new = kept.addcdiv(mean, root, value=-rate)
    return new, {"step": step, "mean": mean, "square": square}


def zero1_step(weights, gradient, *, place, update, reduce_scatter, all_gather):
    rank, ranks = place
    n = len(weights)
    piece = (n + ranks - 1) // ranks
    w, g = (functional.pad(torch.as_tensor(x), (0, piece * ranks - n)) for x in (weights, gradient))
    mean = torch.as_tensor(reduce_scatter(g.numpy())) / ranks
    new = update(w[piece * rank :][:piece].numpy(), mean.numpy())
    return torch.as_tensor(all_gather(new))[:n]


def bytes_per_rank(parameters, ranks, *, stage, precision):
    piece = (parameters + ranks - 1) // ranks
    held = [piece if stage > 3 - place else parameters for place in (1, 2, 3)]
    each = {"float32": [4, 4, 8], "mixed": [2, 2, 12]}[precision]
    return dict(zip(["weights", "gradients", "optimizer"], map(int.__mul__, each, held)))
