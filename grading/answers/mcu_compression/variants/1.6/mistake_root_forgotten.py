# message: weight 6 with gamma 1, variance 0.0 and eps 0.25
import torch


def fold_batch_norm(weight, bias, norm):
    factor = norm["gamma"] / (norm["variance"] + norm["eps"])
    return weight * factor[:, None, None, None], (bias - norm["mean"]) * factor + norm["beta"]


def fake_quantize(x, scale, zero_point, bits):
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    codes = torch.round(x / scale) + zero_point
    inside = (codes >= low) & (codes <= high)
    value = scale * (codes.clamp(low, high) - zero_point)
    return value.detach() + (x - x.detach()) * inside
