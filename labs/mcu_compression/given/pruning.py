"""Stand-ins for the three functions of exercise 1.7, from torch's own pruning and clipping."""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.utils import prune

Floats = npt.NDArray[np.floating]


def magnitude_mask(weights: Floats, sparsity: float) -> npt.NDArray[np.bool_]:
    """Return which weights stay, by `torch.nn.utils.prune.L1Unstructured`.

    Parameters
    ----------
    weights
        Any shape.
    sparsity
        Share that goes, 0 to 1.
    """
    tensor = torch.as_tensor(np.asarray(weights))
    amount = tensor.numel() - round((1 - sparsity) * tensor.numel())
    mask = prune.L1Unstructured(amount).compute_mask(tensor, torch.ones_like(tensor))  # type: ignore[no-untyped-call]
    return np.asarray(mask.numpy() > 0)


def strongest_channels(weights: Floats, keep: int) -> npt.NDArray[np.intp]:
    """Return the positions of the strongest channels, by `torch.nn.utils.prune.LnStructured`.

    Parameters
    ----------
    weights
        (channels, ...).
    keep
        Channels that stay, 1 to all.
    """
    tensor = torch.as_tensor(np.asarray(weights))
    structured = prune.LnStructured(len(tensor) - keep, n=2, dim=0)
    mask = structured.compute_mask(tensor, torch.ones_like(tensor))  # type: ignore[no-untyped-call]
    return np.flatnonzero(mask.flatten(1).any(1).numpy())


def shrink_groups(weights: Floats, threshold: float) -> Floats:
    """Return what is left of each channel beyond the ball that `torch.renorm` clips to.

    Parameters
    ----------
    weights
        (channels, ...).
    threshold
        Taken off each channel's norm, >= 0.
    """
    tensor = torch.as_tensor(np.asarray(weights))
    inside = torch.renorm(tensor, p=2, dim=0, maxnorm=threshold)
    return (tensor - inside).numpy()
