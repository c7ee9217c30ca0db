"""Stand-ins for exercises 3.7 and 3.13: least squares, torch's integers and torch's renorm.

`reconstruct` fits an input to all rows at once; with more than one sample it finds another mixture
than a single row does.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["clip_and_noise", "masked", "reconstruct", "unmasked"]

Floats = NDArray[np.floating]
Words = NDArray[np.uint32]
Expand = Callable[[str, int], Words]


def reconstruct(weight_gradient: Floats, bias_gradient: Floats) -> Floats:
    """Return the input that explains the gradient best, (inputs,), by least squares.

    Parameters
    ----------
    weight_gradient
        (outputs, inputs).
    bias_gradient
        (outputs,).

    Raises
    ------
    ValueError
        If the bias gradient is zero throughout.
    """
    column = np.asarray(bias_gradient, np.float64)[:, None]
    if not column.any():
        raise ValueError("the bias gradient is zero: no unit says anything about the input")
    return np.asarray(np.linalg.lstsq(column, np.asarray(weight_gradient, np.float64))[0][0])


def masked(
    x: Floats, rank: int, *, scale: float, seeds: Mapping[int, str], expand: Expand
) -> Words:
    """Return numbers in steps of 1 / scale with all masks of a client, in 64 bits, cut to 32.

    Parameters
    ----------
    x
        (size,).
    rank
        Number of the client.
    scale
        Steps in 1.
    seeds
        By the other client's number.
    expand
        ``expand(seed, size)``.

    Raises
    ------
    ValueError
        If a sum of so many clients could leave the signed range.
    """
    steps = torch.round(torch.from_numpy(np.asarray(x, np.float64)) * scale)
    largest, clients = float(steps.abs().max()), len(seeds) + 1
    if not clients * largest <= torch.iinfo(torch.int32).max:
        raise ValueError(f"{clients} clients with up to {largest:g} steps overflow 32 bits")
    signs = np.array([1 if other > rank else -1 for other in seeds], np.int64)
    pads = [np.asarray(expand(seed, len(x)), np.int64) for seed in seeds.values()]
    added = np.tensordot(signs, pads, axes=1) if pads else 0
    return ((steps.to(torch.int64).numpy() + added) % 2**32).astype(np.uint32)


def unmasked(
    total: Words, revealed: Mapping[int, Mapping[int, str]], *, scale: float, expand: Expand
) -> NDArray[np.float64]:
    """Return the sum without the masks that clients share with those that vanished.

    Parameters
    ----------
    total
        (size,), the sum of the survivors' messages.
    revealed
        By the vanished client: seeds by the survivor's number.
    scale
        Steps in 1.
    expand
        ``expand(seed, size)``.
    """
    nothing = np.zeros(len(total))
    # What the vanished would have sent of masks alone is what is missing in the sum.
    missing = [
        masked(nothing, gone, scale=scale, seeds=seeds, expand=expand)
        for gone, seeds in revealed.items()
    ]
    whole = np.sum([total, *missing], axis=0, dtype=np.uint32)
    return np.asarray(torch.from_numpy(whole.view(np.int32)).double() / scale)


def clip_and_noise(
    updates: Floats,
    clip: float,
    *,
    noise_multiplier: float,
    expected_clients: float,
    normal: Callable[[int], Floats],
) -> NDArray[np.float64]:
    """Return the noisy average of updates cut to a length by `torch.renorm`.

    Parameters
    ----------
    updates
        (clients, size).
    clip
        Largest length.
    noise_multiplier
        Of the noise, over `clip`.
    expected_clients
        What the sum is divided by.
    normal
        ``normal(size)`` draws from the standard normal distribution.
    """
    cut = torch.renorm(torch.from_numpy(np.asarray(updates, np.float64)), 2, 0, clip)
    noise = np.asarray(normal(cut.shape[1]), np.float64)
    return np.asarray((cut.sum(0).numpy() + noise_multiplier * clip * noise) / expected_clients)
