"""All strategies by name, with what each splits and sends; nothing of them is loaded here.

A strategy is a function ``train(workload, **options)`` that runs on every rank of a launch and
returns at least ``weights`` (all of them, by name), ``losses`` and ``step_s``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

MODULES = "labs.gpu_training.strategies"
BUCKETS: Mapping[str, Any] = {"bucket_bytes": 128 * 1024}


@dataclass(frozen=True)
class Strategy:
    """One way to spread a job over ranks.

    Parameters
    ----------
    place
        ``module:function`` within this package.
    splits, sends
        What each rank has a part of, and what the ranks send in a step.
    options
        Keyword arguments of the function beside the workload.
    least_ranks
        Fewer cannot be spread so.
    """

    place: str
    splits: str
    sends: str
    options: Mapping[str, Any] = field(default_factory=dict)
    least_ranks: int = 1

    def load(self) -> Callable[..., dict[str, Any]]:
        """Return the function, importing its module."""
        module, _, function = self.place.partition(":")
        loaded: Callable[..., dict[str, Any]]
        loaded = getattr(import_module(f"{MODULES}.{module}"), function)
        return loaded


STRATEGIES: Mapping[str, Strategy] = {
    "single": Strategy("single:train", "nothing", "nothing"),
    "naive": Strategy("naive:train", "the batch", "each gradient in an all-reduce of its own"),
    "flat": Strategy("flat:train", "the batch", "all gradients in one all-reduce"),
    "bucketed": Strategy(
        "bucketed:train", "the batch", "buckets of gradients after backward", BUCKETS
    ),
    "overlapped": Strategy(
        "overlapped:train", "the batch", "buckets of gradients during backward", BUCKETS
    ),
    "ddp": Strategy(
        "ddp:train", "the batch", "the library's buckets of gradients during backward", BUCKETS
    ),
    "zero1": Strategy(
        "zero1:train",
        "the batch and the moments",
        "gradients in a reduce-scatter, new weights in an all-gather",
    ),
    "zero1_library": Strategy(
        "zero1_library:train",
        "the batch and the moments, by whole tensors",
        "gradients in all-reduces, new weights in broadcasts",
    ),
    "fsdp2": Strategy(
        "fsdp2:train",
        "the batch, the weights, the gradients and the moments",
        "weights in an all-gather before each use, gradients in a reduce-scatter",
    ),
    "tensor": Strategy(
        "tensor:train",
        "the products of each block",
        "activations and their gradients in all-reduces",
    ),
    "gpipe": Strategy(
        "gpipe:train",
        "the blocks, and the batch into micro-batches",
        "activations forwards, their gradients backwards, from stage to stage",
    ),
    "1f1b": Strategy(
        "one_forward_one_backward:train",
        "the blocks, and the batch into micro-batches",
        "the same as gpipe, with fewer activations held at a time",
    ),
    "fsdp2_tensor": Strategy(
        "fsdp2_tensor:train",
        "the products of each block in pairs of ranks, the rest as fsdp2 over the pairs",
        "activations within a pair, weights and gradients between pairs",
        least_ranks=4,
    ),
}


def named(name: str) -> Strategy:
    """Return a strategy by its name.

    Raises
    ------
    ValueError
        If there is none of this name.

    Examples
    --------
    >>> named("fsdp2").sends
    'weights in an all-gather before each use, gradients in a reduce-scatter'
    """
    if name not in STRATEGIES:
        raise ValueError(f"strategy is {name!r}; give one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
