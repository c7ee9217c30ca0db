"""Stands in for exercise 1.3: the rows of `course_utils.counting`, in the form asked for."""

import math

import torch
from torch import nn

from course_utils import counting

KINDS = (nn.Conv2d.__name__, nn.Linear.__name__)


def count_layers(network: nn.Module, example: torch.Tensor) -> list[dict[str, str | int]]:
    """Return a row for each call of a convolution or linear layer.

    Parameters
    ----------
    network
        Left as it was.
    example
        Its input, batch included.
    """
    counts = counting.count(network, example, fold_batch_norm=False)
    return [_row(layer) for layer in counts.layers if layer.kind in KINDS]


def _row(layer: counting.LayerCounts) -> dict[str, str | int]:
    outputs = math.prod(layer.output_shape)
    return {
        "name": layer.name,
        "params": layer.params,
        "macs": layer.macs,
        "input_elements": layer.activation_elements - outputs,
        "output_elements": outputs,
    }
