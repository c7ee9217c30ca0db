import torch


def quantize(weights, bits):
    w = torch.as_tensor(weights)
    q = 2 ** (bits - 1) - 1
    scale = (w.abs().max() / q).item() or 1.0
    return torch.round(w / scale).clamp(-q, q).to(torch.int8), scale
