"""Applies a quantiser to a whole network, and counts the bytes that would be shipped.

The weights are rounded and multiplied back, so the network still computes in float32: accuracy and
size are those of the small network, time is not. It quantises nothing itself: the quantiser is
yours or the given one.
"""

import copy
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from course_utils import memory

Quantizer = Callable[[npt.NDArray[np.float32], int], tuple[npt.ArrayLike, float]]


def shrink(model: nn.Module, quantize: Quantizer, *, bits: int) -> nn.Module:
    """Return a copy of a network whose weights went through a quantiser and back.

    Parameters
    ----------
    model
        Left as it was.
    quantize
        ``quantize(weights, bits) -> (codes, scale)``, called once a weight tensor.
    bits
        Bits a code, 2 to 8.

    Raises
    ------
    ValueError
        If `bits` is outside 2 to 8, naming it.
    """
    if not 2 <= bits <= 8:
        raise ValueError(f"bits is {bits}; this lab packs weights into 2 to 8 bits")
    small = copy.deepcopy(model)
    with torch.no_grad():
        for weights in _weights(small):
            codes, scale = quantize(weights.numpy(), bits)
            values = np.asarray(codes, dtype=np.float32) * np.float32(scale)
            weights.copy_(torch.from_numpy(values))
    return small


def shrunk_bytes(model: nn.Module, *, bits: int) -> int:
    """Return the bytes of a network with packed weights, one scale a tensor and float32 biases.

    Parameters
    ----------
    model
        The network; only its shapes count.
    bits
        Bits a weight.
    """
    weights = _weights(model)
    packed = sum(
        memory.QuantizedTensor(elements=w.numel(), bits=bits, scales=1).size_bytes for w in weights
    )
    biases = sum(p.numel() for p in model.parameters()) - sum(w.numel() for w in weights)
    return packed + 4 * biases


def _weights(model: nn.Module) -> list[torch.Tensor]:
    """Return the weight matrices and kernels; biases are few and stay float32."""
    return [p.detach() for p in model.parameters() if p.dim() > 1]
