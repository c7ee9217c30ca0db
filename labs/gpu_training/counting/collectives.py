"""Counts what one rank hands to collectives, and the operations it computes, while torch runs.

The counter works on real and on fake ranks alike. The payload of a collective is the size of its
whole tensor: what is reduced, what the gathered result holds, what is scattered. What travels on
the wire follows from the algorithm, which this module does not see.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch.distributed.tensor import DTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

NAMES = {  # as torch calls them in place, functionally and coalesced
    "allreduce": "all_reduce",
    "all_reduce": "all_reduce",
    "allgather": "all_gather",
    "all_gather": "all_gather",
    "reduce_scatter": "reduce_scatter",
    "broadcast": "broadcast",
    "alltoall": "all_to_all",
    "all_to_all": "all_to_all",
    "send": "send",
    "recv": "recv",
}
aten = torch.ops.aten
NAMESPACES = ("c10d", "_c10d_functional", "c10d_functional", "_dtensor")
NO_PAYLOAD = ("wait_tensor", "barrier", "monitored_barrier", "_wrap_tensor_autograd")


@dataclass
class Tally:
    """What was seen so far.

    Parameters
    ----------
    calls
        How often each collective was called, by its name.
    payload_bytes
        The sum of their payloads [B].
    flops
        Operations of matrix products and attention; a multiplication and an addition are 2.
        See `flops_of`.
    """

    calls: dict[str, int] = field(default_factory=dict)
    payload_bytes: dict[str, int] = field(default_factory=dict)
    flops: int = 0

    def add(self, name: str, payload_bytes: int) -> None:
        """Count one call."""
        self.calls[name] = self.calls.get(name, 0) + 1
        self.payload_bytes[name] = self.payload_bytes.get(name, 0) + payload_bytes


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's is untyped
    """Counts in its ``tally`` while it is entered: ``with Counter() as counter: step()``.

    Torch's own `FlopCounterMode` counts the whole product where tensors are split over ranks, not
    this rank's share. This one leaves tensors that know of ranks to torch, and counts what they
    do on this rank.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tally = Tally()

    @classmethod
    def is_infra_mode(cls) -> bool:
        """Return that this mode only looks on."""
        return True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and count it."""
        if any(issubclass(each, DTensor) for each in types):
            return NotImplemented
        out = func(*args, **(kwargs or {}))
        self.tally.flops += flops_of(func, args, kwargs=kwargs or {}, out=out)
        if func.namespace in NAMESPACES:
            self._count_collective(func._schema.name.split("::")[-1], args, out=out)
        return out

    def _count_collective(self, operator: str, args: Any, *, out: Any) -> None:
        if operator in NO_PAYLOAD:
            return
        self.tally.add(plain_name(operator), max(size_bytes(each) for each in (*args, out)))


def flops_of(func: Any, args: Any, *, kwargs: Any, out: Any) -> int:
    """Return the operations of one call of an operator; 0 for those that multiply no matrices.

    Attention counts as torch counts it on GPUs: all of its products, also those that the causal
    mask throws away, and the scores once more in the backward pass.

    Parameters
    ----------
    func
        The operator, as a dispatch mode is given it.
    args, kwargs, out
        What it was called with, and what it returned.
    """
    packet = func._overloadpacket
    if packet is aten._scaled_dot_product_flash_attention_for_cpu:  # torch counts no CPU kernel
        return int(sdpa_flop_count(*(each.shape for each in args[:3])))  # type: ignore[no-untyped-call]
    if packet is aten._scaled_dot_product_flash_attention_for_cpu_backward:
        return int(sdpa_backward_flop_count(*(each.shape for each in args[:4])))  # type: ignore[no-untyped-call]
    count = flop_registry.get(packet)
    return int(count(*args, **kwargs, out_val=out)) if count else 0


def plain_name(operator: str) -> str:
    """Return what a collective is called in this lab.

    Examples
    --------
    >>> plain_name("_allgather_base_"), plain_name("reduce_scatter_tensor")
    ('all_gather', 'reduce_scatter')
    """
    bare = operator.strip("_")
    for start in sorted(NAMES, key=len, reverse=True):
        if bare.startswith(start):
            return NAMES[start]
    return bare


def size_bytes(value: Any) -> int:
    """Return the bytes of a tensor, or of all tensors of a list; 0 for anything else.

    Examples
    --------
    >>> size_bytes([torch.zeros(3), torch.zeros(2)]), size_bytes("sum")
    (20, 0)
    """
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, list | tuple):
        return sum(size_bytes(each) for each in value)
    return 0
