"""How much memory a block of code needs at its peak, and how many bytes a model ships.

- ``peak_memory``       a context manager: host and device memory above what was in use at its start
- ``model_bytes``       parameters and buffers of a model as they are
- ``QuantizedTensor``   the size of a quantised or sparse tensor with all it takes to read it again

The host's peak comes from the kernel where Linux permits it, else from a thread that looks every
millisecond; the object says which. This module limits nothing and frees only garbage; it does not
split memory by line or layer.
"""

import ctypes
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

import psutil

from course_utils.errors import MeasurementError
from course_utils.records import Result
from course_utils.timing import check_device
from course_utils.units import BITS_PER_BYTE, KI, format_bytes

if TYPE_CHECKING:
    import torch

Size = Callable[[], int]  # reads a number of bytes
SAMPLING_INTERVAL_S = 1e-3


@dataclass(repr=False)
class PeakMemory:
    """What a block needed at its peak; read it after the block.

    Parameters
    ----------
    device
        The device asked for.
    method
        How the host's peak was found. ``kernel``: pages newly touched by the whole process, to some
        100 KiB, as the kernel counts lazily. ``sampled``: a lower bound that misses peaks under
        1 ms, or while compiled code holds the interpreter's lock.
    host_start_bytes, host_bytes
        Resident memory of this process at the start, and its peak above that.
    device_start_bytes, device_bytes
        The same of tensors in torch's allocator, without its cache and the CUDA context, on
        ``mps`` sampled too; None on the CPU, which has no memory of its own.
    """

    device: str
    method: str
    host_start_bytes: int = field(init=False)
    host_bytes: int = field(init=False)
    device_start_bytes: int | None = field(init=False)
    device_bytes: int | None = field(init=False)

    def result(self) -> Result:
        """Return the host's peak above the start in bytes: one block, so n = 1 and no interval."""
        return Result(self.host_bytes, self.host_bytes, self.host_bytes, n=1, kind="measured")

    def device_result(self) -> Result:
        """Return the device's peak above the start in bytes, as `result`."""
        peak = self.device_bytes
        if peak is None:
            raise MeasurementError("the cpu has no memory of its own; use result() for the host's")
        return Result(peak, peak, peak, n=1, kind="measured")

    def __repr__(self) -> str:
        if "host_bytes" not in vars(self):
            return f"PeakMemory({self.device}, {self.method}, running)"
        text = f"host +{format_bytes(self.host_bytes)} above {format_bytes(self.host_start_bytes)}"
        if self.device_bytes is not None and self.device_start_bytes is not None:
            peak, start = map(format_bytes, (self.device_bytes, self.device_start_bytes))
            text += f", {self.device} +{peak} above {start}"
        return f"PeakMemory({text}, {self.method})"

    def __getattr__(self, name: str) -> NoReturn:
        if name in self.__dataclass_fields__:
            raise MeasurementError(f"{name} is known after the with block; read it there")
        raise AttributeError(f"PeakMemory has no attribute {name!r}")


@contextmanager
def peak_memory(device: "str | torch.device" = "cpu") -> Iterator[PeakMemory]:
    """Measure the peak memory of the block, also when it ends in an error. Blocks may nest.

    Garbage is collected first, and freed memory handed back to the system, lest the block reuse it
    unseen. Other threads of the process count in.

    Parameters
    ----------
    device
        Whose memory to watch beside the host's: ``cpu`` (none), ``cuda``, ``cuda:1``, ``mps``.

    Raises
    ------
    MeasurementError
        If the device is not here.

    Examples
    --------
    >>> with peak_memory() as memory:
    ...     block = bytes(range(256)) * 2**17
    >>> memory.host_bytes > 2**24, memory.device_bytes
    (True, None)
    """
    name = check_device(device)
    _return_free_memory()
    gauge = _host_gauge()
    device_gauge = _device_gauge(name)
    memory = PeakMemory(name, "kernel" if isinstance(gauge, _Mark) else "sampled")
    try:
        yield memory
    finally:
        device_peak = device_gauge.stop() if device_gauge else (None, None)
        memory.device_start_bytes, memory.device_bytes = device_peak
        memory.host_start_bytes, memory.host_bytes = gauge.stop()


def model_bytes(model: "torch.nn.Module") -> int:
    """Return the bytes of what a model saves: parameters and buffers, each at its own dtype.

    Tensors that share their memory count once. Buffers that are not saved do not count.

    Raises
    ------
    MeasurementError
        If the model saves something else than plain tensors, naming it.

    Examples
    --------
    >>> from torch import nn
    >>> model_bytes(nn.Linear(10, 2))  # (10 * 2 + 2) * 4
    88
    """
    import torch  # noqa: PLC0415 - measuring a block on the CPU works without loading it

    if not isinstance(model, torch.nn.Module):
        raise MeasurementError(f"a {type(model).__name__} is no model; give the torch.nn.Module")
    size_by_place: dict[tuple[object, ...], int] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided:
            kind = type(tensor).__name__
            raise MeasurementError(f"{name} is a {kind}, no dense tensor; use QuantizedTensor")
        address = tensor.untyped_storage().data_ptr() or id(tensor)  # 0 where there is no memory
        place = (tensor.device, address, tensor.storage_offset(), tensor.shape, tensor.stride())
        size_by_place[place] = tensor.numel() * tensor.element_size()
    return sum(size_by_place.values())


@dataclass(frozen=True, kw_only=True)
class QuantizedTensor:
    """What a quantised or sparse tensor takes with everything shipped to read it again.

    Each part is packed without gaps and rounded up to whole bytes.

    Parameters
    ----------
    elements, bits
        Values stored, and bits of each: code words where there is a codebook, and in a sparse
        tensor the non-zero values alone.
    scales, scale_bits
        One scale a tensor, channel or group.
    zero_points, zero_point_bits
        0 zero points if quantisation is symmetric.
    codebook_entries, codebook_bits
        Entries of all codebooks together.
    mask_elements
        Positions of a sparse tensor, one bit each: which of them hold a value.

    Examples
    --------
    >>> QuantizedTensor(elements=1000, bits=4, scales=10).size_bytes  # 500 + 10 * 4
    540
    >>> sparse = QuantizedTensor(elements=250, bits=8, scales=1, mask_elements=1000)
    >>> sparse.size_bytes  # 250 + 4 + 125
    379
    """

    elements: int
    bits: int
    scales: int = 0
    scale_bits: int = 32
    zero_points: int = 0
    zero_point_bits: int = 8
    codebook_entries: int = 0
    codebook_bits: int = 32
    mask_elements: int = 0

    def __post_init__(self) -> None:
        """Refuse sizes that are no whole numbers >= 0."""
        for name, value in vars(self).items():
            if not isinstance(value, Integral) or value < 0:
                raise MeasurementError(f"{name} is {value!r}; give a whole number >= 0, an int")
        if self.mask_elements and self.elements > self.mask_elements:
            seen = f"{self.elements} values do not fit into {self.mask_elements} positions"
            raise MeasurementError(f"{seen}; mask_elements counts those without a value too")

    @property
    def size_bytes(self) -> int:
        """All parts together."""
        return sum(self.parts().values())

    def parts(self) -> dict[str, int]:
        """Return the bytes of each part by its name."""
        return {
            "values": _packed_bytes(self.elements, self.bits),
            "scales": _packed_bytes(self.scales, self.scale_bits),
            "zero points": _packed_bytes(self.zero_points, self.zero_point_bits),
            "codebook": _packed_bytes(self.codebook_entries, self.codebook_bits),
            "mask": _packed_bytes(self.mask_elements, 1),
        }


def _packed_bytes(count: int, bits: int) -> int:
    return -(-count * bits // BITS_PER_BYTE)


class _Mark:
    """A high-water mark that the system keeps. Resetting it must not lose that of outer blocks."""

    _running: ClassVar[list["_Mark"]] = []

    def __init__(self, current: Size, highest: Size, reset: Callable[[], object]) -> None:
        for outer in self._running:
            outer.observe()
        reset()
        self._highest = highest
        self._start = self._peak = current()
        self._running.append(self)

    def observe(self) -> None:
        self._peak = max(self._peak, self._highest())

    def stop(self) -> tuple[int, int]:
        """Return the bytes at the start and the peak above them."""
        self.observe()
        self._running.remove(self)
        return self._start, self._peak - self._start


class _Sampler:
    """The same for a quantity without a mark, read again and again by a thread."""

    def __init__(self, current: Size) -> None:
        self._current = current
        self._start = self._peak = current()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(SAMPLING_INTERVAL_S):
            self._peak = max(self._peak, self._current())

    def stop(self) -> tuple[int, int]:
        """Return the bytes at the start and the peak above them."""
        self._end.set()
        self._thread.join()
        return self._start, max(self._peak, self._current()) - self._start


def _host_gauge() -> _Mark | _Sampler:
    try:
        return _Mark(lambda: _status_bytes("VmRSS"), lambda: _status_bytes("VmHWM"), _reset_hwm)
    except (OSError, LookupError):  # not Linux, or a container that forbids it
        return _Sampler(lambda: psutil.Process().memory_info().rss)


def _device_gauge(name: str) -> _Mark | _Sampler | None:
    if name == "cpu":
        return None
    import torch  # noqa: PLC0415 - as in model_bytes

    if name.startswith("mps"):
        return _Sampler(torch.mps.current_allocated_memory)
    return _Mark(
        lambda: torch.cuda.memory_allocated(name),
        lambda: torch.cuda.max_memory_allocated(name),
        lambda: torch.cuda.reset_peak_memory_stats(name),
    )


def _reset_hwm() -> None:
    """Set VmHWM back to VmRSS: proc(5), /proc/pid/clear_refs."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status_bytes(name: str) -> int:
    """Return a size from Linux's /proc/self/status, whose kB are KiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields[name].split()[0]) * KI


def _return_free_memory() -> None:
    gc.collect()
    with suppress(AttributeError, TypeError):  # glibc has it; musl, macOS and Windows have not
        ctypes.CDLL(None).malloc_trim(0)
