import math

import torch


def multiplier_and_shift(factor):
    if factor < 1 / 2**32:
        return torch.tensor([0, 0])
    shift = math.floor(math.log2(factor)) + 1
    multiplier = round(factor * 2.0 ** (31 - shift))
    while multiplier >= 2**31:
        shift += 1
        multiplier = round(factor * 2.0 ** (31 - shift))
    while multiplier < 2**30:
        shift -= 1
        multiplier = round(factor * 2.0 ** (31 - shift))
    return torch.tensor([multiplier, shift])


def requantize(sums, multiplier, shift, zero_point):
    x = torch.as_tensor(sums).to(torch.int64)
    m = torch.as_tensor(multiplier).to(torch.int64)
    s = torch.as_tensor(shift).to(torch.int64)
    x = torch.where(s > 0, x << s.clamp(min=0), x) * m
    x = torch.div(x + 2**30, 2**31, rounding_mode="floor")
    whole = torch.ones_like(s) << (-s).clamp(min=0)
    half = whole // 2
    down = torch.div(x - half, whole, rounding_mode="trunc")
    up = torch.div(x + half, whole, rounding_mode="trunc")
    return (torch.where(x < 0, down, up) + zero_point).clamp(-128, 127)
