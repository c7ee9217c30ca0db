"""How many bytes of tensors are alive during a training step, noted at every operation of torch.

On any device it sees what operations return, and when nobody refers to it any more. What an
operation takes and gives back within itself, the rounding and cache of an allocator, and the
context of CUDA it does not see; on CUDA `step_memory` asks the allocator for the peak as well.
"""

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_utils.records import Result, counted


class Allocations(TorchDispatchMode):
    """While active, the bytes of storages that operations made and that are still referred to.

    ``live_bytes`` is their sum now, ``trace`` their sum after each operation.

    Parameters
    ----------
    start_bytes
        What is there already; added to every figure.

    Examples
    --------
    >>> with Allocations() as allocations:
    ...     x = torch.zeros(250)
    ...     y = x[:10] + 1
    ...     del x
    ...     z = y * 2
    >>> allocations.trace  # zeros, a view of it, the sum, zeros are gone and the product is there
    [1000, 1000, 1040, 80]
    """

    def __init__(self, start_bytes: int = 0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live_bytes = start_bytes
        self.trace: list[int] = []
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and take in what it made."""
        kwargs = kwargs or {}
        given = {id(storage) for storage in _storages((args, kwargs))}
        out = func(*args, **kwargs)
        for storage in _storages(out):
            if id(storage) not in given:
                self._add(storage)
        self.trace.append(self.live_bytes)
        return out

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size_bytes = id(storage), storage.nbytes()
        if key in self._known:
            return

        def forget() -> None:
            self._known.discard(key)
            self.live_bytes -= size_bytes

        self._known.add(key)
        self.live_bytes += size_bytes
        weakref.finalize(storage, forget)

    @property
    def peak_bytes(self) -> int:
        """The most after any operation."""
        return max(self.trace, default=self.live_bytes)


def _storages(tree: Any) -> list[torch.UntypedStorage]:
    return [leaf.untyped_storage() for leaf in tree_leaves(tree) if torch.is_tensor(leaf)]


def bytes_of(tensors: Iterable[Any]) -> int:
    """Return the bytes of tensors, each storage once; what is no tensor counts nothing.

    Examples
    --------
    >>> x = torch.zeros(4)
    >>> bytes_of([x, x[:2], "no tensor"])
    16
    """
    sizes = {id(storage): storage.nbytes() for storage in _storages(list(tensors))}
    return sum(sizes.values())


@dataclass(frozen=True)
class StepMemory:
    """What one training step held.

    Parameters
    ----------
    weights_bytes, optimizer_bytes
        Held all the time; the optimiser has made a step before.
    forward_bytes, backward_bytes
        All that is alive after the forward pass with its loss, and after the backward pass.
    peak_bytes
        The most after any operation.
    allocator_peak_bytes
        The most that CUDA's allocator gave out; None on the processor.
    trace
        Bytes alive after each operation.
    ends
        Operations done at the end of the forward pass and of the backward pass.
    """

    weights_bytes: int
    optimizer_bytes: int
    forward_bytes: int
    backward_bytes: int
    peak_bytes: int
    allocator_peak_bytes: int | None
    trace: tuple[int, ...] = field(repr=False)
    ends: tuple[int, int]

    def peak(self) -> Result:
        """Return the peak: measured by CUDA's allocator, elsewhere counted at each operation."""
        if self.allocator_peak_bytes is None:
            return counted(self.peak_bytes)
        peak = self.allocator_peak_bytes
        return Result(peak, peak, peak, n=1, kind="measured")


def step_memory(
    model: nn.Module, optimizer: torch.optim.Optimizer, *, loss: Callable[[], torch.Tensor]
) -> StepMemory:
    """Train two steps on a batch, and return what the second held.

    The first makes the optimiser's states, so that the second is like all that follow.

    Parameters
    ----------
    model, optimizer
        Changed by two steps.
    loss
        Computes the loss of the model on a batch; the batch is not counted.
    """
    first = loss()
    at_cuda = first.device if first.is_cuda else None
    torch.autograd.backward(first)
    del first
    optimizer.step()
    optimizer.zero_grad()
    weights_bytes = bytes_of([*model.parameters(), *model.buffers()])
    states = [value for state in optimizer.state.values() for value in state.values()]
    optimizer_bytes = bytes_of(states)
    start_bytes = weights_bytes + optimizer_bytes
    if at_cuda:
        torch.cuda.reset_peak_memory_stats(at_cuda)
        cuda_start_bytes = torch.cuda.memory_allocated(at_cuda)
    with Allocations(start_bytes) as allocations:
        second = loss()
        forward_end, forward_bytes = len(allocations.trace), allocations.live_bytes
        torch.autograd.backward(second)
        backward_end, backward_bytes = len(allocations.trace), allocations.live_bytes
        optimizer.step()
    above = torch.cuda.max_memory_allocated(at_cuda) - cuda_start_bytes if at_cuda else None
    return StepMemory(
        weights_bytes,
        optimizer_bytes,
        forward_bytes,
        backward_bytes,
        peak_bytes=allocations.peak_bytes,
        allocator_peak_bytes=None if above is None else start_bytes + above,
        trace=tuple(allocations.trace),
        ends=(forward_end, backward_end),
    )
