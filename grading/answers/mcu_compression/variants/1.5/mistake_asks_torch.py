# message: withheld
import numpy as np
import torch
from torch.ao.quantization.observer import MinMaxObserver


def affine_parameters(low, high, bits):
    top = 2 ** (bits - 1)
    observer = MinMaxObserver(dtype=torch.qint8, quant_min=-top, quant_max=top - 1, eps=1e-12)
    observer(torch.tensor([low, high]))
    scale, zero_point = observer.calculate_qparams()
    return float(scale), int(zero_point)


def quantize(x, scale, zero_point, bits):
    top = 2 ** (bits - 1)
    y = torch.fake_quantize_per_tensor_affine(torch.as_tensor(x), scale, zero_point, -top, top - 1)
    return torch.round(y / scale) + zero_point


def channel_scales(weights, bits):
    return np.abs(weights).reshape(len(weights), -1).max(1) / (2 ** (bits - 1) - 1)
