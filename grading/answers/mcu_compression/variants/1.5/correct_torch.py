import torch


def affine_parameters(low, high, bits):
    ends = torch.tensor([low, high, 0.0], dtype=torch.float64)
    span = (ends.max() - ends.min()).item()
    if not span:
        return torch.tensor([1.0, 0.0])
    scale = span / ((1 << bits) - 1)
    # From the other end: the largest code belongs to the largest value.
    top = (1 << (bits - 1)) - 1
    return torch.tensor([scale, float(round(top - ends.max().item() / scale))], dtype=torch.float64)


def quantize(x, scale, zero_point, bits):
    half = 1 << (bits - 1)
    steps = torch.round(torch.as_tensor(x, dtype=torch.float64) / scale)
    return (steps + zero_point).clamp(-half, half - 1).to(torch.int64)


def channel_scales(weights, bits):
    rows = torch.as_tensor(weights).flatten(start_dim=1)
    peak = torch.maximum(rows.amax(1), -rows.amin(1))
    return torch.where(peak > 0, peak / ((1 << (bits - 1)) - 1), torch.ones(()))
