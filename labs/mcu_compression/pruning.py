"""Takes single weights out of a network, counts the bytes that are left, and scans the layers.

Every weight matrix and kernel loses its smallest weights; biases and batch normalisation are few
and stay. The weights that go become 0 and their places are kept, so the network still computes as
many products as before. Which weights go is decided by a mask function, yours or the given one.
Whole channels are the business of `labs.mcu_compression.channels`.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from course_utils import memory, stats
from course_utils.records import Result, counted
from labs.mcu_compression import training
from labs.shared.keywords import Clips

Floats = npt.NDArray[np.float32]
Hits = npt.NDArray[np.bool_]
MaskFunction = Callable[[Floats, float], npt.ArrayLike]
Masks = Mapping[str, Tensor]  # name of a layer -> bool, in the shape of its weights


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Return the matrices and kernels of a network by the name of their layer.

    They are views: what is written into them is written into the network.

    Examples
    --------
    >>> list(weights_of(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))))
    ['0', '2']
    """
    return {
        name.removesuffix(".weight"): weights.detach()
        for name, weights in network.named_parameters()
        if weights.dim() > 1
    }


def layer_masks(
    network: nn.Module, magnitude_mask: MaskFunction, *, sparsity: float | Mapping[str, float]
) -> dict[str, Tensor]:
    """Return which weights of each layer stay.

    Parameters
    ----------
    network
        Left as it was.
    magnitude_mask
        ``magnitude_mask(weights, sparsity)``, called once a layer.
    sparsity
        Share that goes, 0 to 1, of every layer; or layer by layer, then the others stay whole.

    Raises
    ------
    ValueError
        If a layer or a sparsity does not exist, naming it.
    """
    weights = weights_of(network)
    shares = sparsity if isinstance(sparsity, Mapping) else dict.fromkeys(weights, sparsity)
    for name, share in shares.items():
        if name not in weights:
            raise ValueError(f"no layer {name!r} here; there are {', '.join(weights)}")
        if not 0 <= share <= 1:
            raise ValueError(f"sparsity of {name} is {share}; give a share from 0 to 1")
    return {
        name: torch.as_tensor(np.asarray(magnitude_mask(weights[name].cpu().numpy(), share))).bool()
        for name, share in shares.items()
    }


def masked(network: nn.Module, masks: Masks) -> nn.Module:
    """Return a copy of a network with the weights outside of the masks at 0."""
    sparse = copy.deepcopy(network)
    keep_at_zero(masks)(sparse)
    return sparse


def keep_at_zero(masks: Masks) -> Callable[[nn.Module], None]:
    """Return what sets pruned weights to 0 again, to be called after each step of a training.

    Without it the optimiser would bring them back: the loss has a gradient for them too.
    """

    @torch.no_grad()
    def after_step(network: nn.Module) -> None:
        weights = weights_of(network)
        for name, mask in masks.items():
            weights[name].mul_(mask.to(weights[name].device))

    return after_step


def nonzero_share(network: nn.Module) -> float:
    """Return the share of weights that are not 0."""
    weights = weights_of(network).values()
    return sum(int(w.count_nonzero()) for w in weights) / sum(w.numel() for w in weights)


def dense_bytes(network: nn.Module, *, bits: int = 8) -> int:
    """Return the bytes of a network that stores every weight, batch normalisation folded.

    Packed codes, one float32 scale a layer, one float32 bias a channel.

    Parameters
    ----------
    network
        Convolutions and linear layers with biases.
    bits
        Bits a weight.
    """
    stored = (
        memory.QuantizedTensor(elements=w.numel(), bits=bits, scales=1)
        for w in weights_of(network).values()
    )
    return sum(tensor.size_bytes for tensor in stored) + _bias_bytes(network)


def sparse_bytes(network: nn.Module, *, bits: int = 8) -> int:
    """Return the bytes of a network that stores its non-zero weights alone, and where they are.

    As `dense_bytes`, but codes for non-zero weights only, and a bit a place that says which are.

    Parameters
    ----------
    network
        As in `dense_bytes`.
    bits
        Bits a non-zero weight.
    """
    stored = (
        memory.QuantizedTensor(
            elements=int(w.count_nonzero()), bits=bits, scales=1, mask_elements=w.numel()
        )
        for w in weights_of(network).values()
    )
    return sum(tensor.size_bytes for tensor in stored) + _bias_bytes(network)


def listed_bytes(network: nn.Module, *, bits: int = 8) -> int:
    """Return the bytes if each non-zero weight comes with the distance to the one before, 4 bits.

    A gap of more than 15 zeros costs a further entry with a code of 0, as in Deep Compression (Han
    et al., arXiv 1510.00149).

    Parameters
    ----------
    network
        As in `dense_bytes`.
    bits
        Bits a code.
    """
    total = _bias_bytes(network)
    for weights in weights_of(network).values():
        places = np.flatnonzero(weights.cpu().numpy())
        gaps = np.diff(places, prepend=-1) - 1
        entries = len(places) + int((gaps // 16).sum())
        total += memory.QuantizedTensor(elements=entries, bits=bits + 4, scales=1).size_bytes
    return total


def _bias_bytes(network: nn.Module) -> int:
    return 4 * sum(len(w) for w in weights_of(network).values())


def size_curves(
    network: nn.Module, magnitude_mask: MaskFunction, *, shares: Iterable[float]
) -> dict[str, list[tuple[float, Result]]]:
    """Return the bytes of a network against the share of zeros, for three ways to store it.

    Parameters
    ----------
    network
        Left as it was.
    magnitude_mask
        As in `layer_masks`.
    shares
        Of weights that go, 0 to 1 each.

    Returns
    -------
    dict
        ``dense``, ``bitmap`` and ``list``: (share, bytes) each, with 8-bit codes.
    """
    forms = {"dense": dense_bytes, "bitmap": sparse_bytes, "list": listed_bytes}
    curves: dict[str, list[tuple[float, Result]]] = {name: [] for name in forms}
    for share in shares:
        sparse = masked(network, layer_masks(network, magnitude_mask, sparsity=float(share)))
        for name, size in forms.items():
            curves[name].append((float(share), counted(size(sparse))))
    return curves


def pays_from(curves: Mapping[str, Sequence[tuple[float, Result]]], name: str) -> float:
    """Return the first share at which a way to store is smaller than dense; 1 if at none.

    Examples
    --------
    >>> dense = [(0.0, counted(9)), (0.5, counted(9))]
    >>> pays_from({"dense": dense, "list": [(0.0, counted(12)), (0.5, counted(7))]}, "list")
    0.5
    """
    both = zip(curves[name], curves["dense"], strict=True)
    return next((share for (share, size), (_, dense) in both if size.value < dense.value), 1.0)


def accuracy_lost(
    before: Hits, after: Hits, *, clips: Clips, seed: int, resamples: int = 5000
) -> Result:
    """Return how much accuracy one network has less than another, paired, speakers drawn.

    Parameters
    ----------
    before, after
        (n,), which clips each of them gets right.
    clips
        The n clips.
    seed, resamples
        Of the bootstrap over speakers.
    """
    lost = before.astype(float) - after.astype(float)
    rng = np.random.default_rng(seed)
    return stats.cluster_bootstrap(lost, clips.clusters(), rng=rng, resamples=resamples).result()


def scan(
    network: nn.Module,
    magnitude_mask: MaskFunction,
    *,
    examples: training.Examples,
    levels: Sequence[float],
) -> dict[str, list[Hits]]:
    """Prune one layer at a time, without training, and see which examples stay right.

    Parameters
    ----------
    network
        Left as it was.
    magnitude_mask
        As in `layer_masks`.
    examples
        Features and labels.
    levels
        Sparsities to try on each layer.

    Returns
    -------
    dict
        For each layer and level, which examples are right, (n,).
    """

    def right(name: str, level: float) -> Hits:
        sparse = masked(network, layer_masks(network, magnitude_mask, sparsity={name: level}))
        return training.is_right(sparse, examples).cpu().numpy()

    return {name: [right(name, level) for level in levels] for name in weights_of(network)}
