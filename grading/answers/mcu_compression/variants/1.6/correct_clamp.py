import torch


def fold_batch_norm(weight, bias, norm):
    factor = norm["gamma"] * (norm["variance"] + norm["eps"]) ** -0.5
    return (torch.diag(factor) @ weight.flatten(1)).reshape(weight.shape), (
        bias * factor + (norm["beta"] - norm["mean"] * factor)
    )


def fake_quantize(x, scale, zero_point, bits):
    half = 2 ** (bits - 1)
    steps = (x / scale).clamp(-half - zero_point, half - 1 - zero_point)
    steps = steps + (steps.round() - steps).detach()
    return steps * scale
