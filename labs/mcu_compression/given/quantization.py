"""Folding and fake quantisation, asked of PyTorch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights


def fold_batch_norm(weight: Tensor, bias: Tensor, norm: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution that also does the batch normalisation after it.

    Parameters
    ----------
    weight, bias
        (out, in / groups, height, width) and (out,).
    norm
        ``gamma``, ``beta``, ``mean`` and ``variance``, (out,) each, and ``eps``, a number.
    """
    folded, shifted = fuse_conv_bn_weights(
        weight, bias, norm["mean"], norm["variance"], norm["eps"], norm["gamma"], norm["beta"]
    )
    return _plain(folded), _plain(shifted)


def fake_quantize(x: Tensor, scale: float, zero_point: int, bits: int) -> Tensor:
    """Return values rounded to a grid, with a gradient that passes straight through.

    Parameters
    ----------
    x
        Any shape, float.
    scale, zero_point
        Of the grid.
    bits
        Bits of a code, 2 to 16.
    """
    top = 2 ** (bits - 1)
    return torch.fake_quantize_per_tensor_affine(x, float(scale), int(zero_point), -top, top - 1)


def _plain(parameter: nn.Parameter) -> Tensor:
    return parameter.detach()
