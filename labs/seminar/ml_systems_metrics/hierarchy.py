"""The memory hierarchy of this machine, seen from a program: time of a load against what it covers.

A chain of indices in random order is followed through a working set of a given size: each load
needs the one before, so its time is the latency of whatever level holds the set. A second loop adds
up every s-th number: from the length of a cache line on, each number costs a line of its own. The
loops are C (`pointer_chase.c`), compiled here; where no compiler is found, NumPy gathers in the
same order, which overlaps loads and is no latency. `Curve.how` says which it was. No level is
detected here.
"""

import ctypes
import functools
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

import numpy as np
import numpy.typing as npt

from course_utils import stats
from course_utils.records import Result
from labs.engine.errors import ExtraMissingError
from labs.shared.toolchain import HostLibrary

SOURCE = Path(__file__).with_name("pointer_chase.c")
LINE_BYTES = 64  # a cache line of most processors; Apple's have 128
INDEX_BYTES = 4
CHASE_STEPS = 50_000
SUM_BYTES = 128 * 1024**2
FALLBACK = "NumPy gather: loads overlap, so this is no latency"
CPU = Path("/sys/devices/system/cpu/cpu0/cache")


@dataclass(frozen=True)
class Curve:
    """Nanoseconds of one load against a size.

    Parameters
    ----------
    sizes_bytes
        Ascending: working sets, or strides.
    samples_ns
        (sizes, repeats), the mean of one load in each repeat.
    how
        What was timed: the compiler, or that it is the fall-back.
    """

    sizes_bytes: tuple[int, ...]
    samples_ns: npt.NDArray[np.float64]
    how: str

    @property
    def is_fallback(self) -> bool:
        """Whether no compiler was found."""
        return self.how == FALLBACK

    @property
    def results(self) -> list[Result]:
        """Median of the repeats with its interval [ns], one a size."""
        return [stats.median_interval(row).result() for row in self.samples_ns]

    @property
    def fastest_ns(self) -> list[float]:
        """Fastest repeat, one a size: other programs and interrupts only ever add time."""
        return [float(x) for x in self.samples_ns.min(axis=1)]


def working_sets(largest_mib: int) -> list[int]:
    """Return sizes from 4 KiB to the largest, four a factor of two, whole cache lines each.

    Parameters
    ----------
    largest_mib
        Size of the largest set [MiB], >= 1.

    Raises
    ------
    ValueError
        If the largest is no power of two, naming it.

    Examples
    --------
    >>> working_sets(1)[:5], working_sets(1)[-1]
    ([4096, 4864, 5760, 6848, 8192], 1048576)
    """
    if largest_mib < 1 or largest_mib & (largest_mib - 1):
        raise ValueError(f"largest_mib is {largest_mib}; give a power of two, at least 1")
    octaves = 8 + int(np.log2(largest_mib))
    exact = [4096 * 2 ** (step / 4) for step in range(4 * octaves + 1)]
    return [int(size // LINE_BYTES) * LINE_BYTES for size in exact]


def random_cycle(lines: int, *, rng: np.random.Generator) -> npt.NDArray[np.uint32]:
    """Return indices that lead from cache line to cache line, through all of them, in random order.

    Parameters
    ----------
    lines
        Cache lines of the working set, >= 1.
    rng
        Gives the order.

    Examples
    --------
    >>> chain = random_cycle(4, rng=np.random.default_rng(0))
    >>> at, seen = 0, []
    >>> for _ in range(4):
    ...     seen.append(int(at) // 16)
    ...     at = chain[at]
    >>> sorted(seen), int(at)
    ([0, 1, 2, 3], 0)
    """
    width = LINE_BYTES // INDEX_BYTES
    order = np.concatenate([[0], 1 + rng.permutation(lines - 1)]).astype(np.uint32) * width
    chain = np.zeros(lines * width, dtype=np.uint32)
    chain[order] = np.roll(order, -1)
    return chain


def sweep_sizes(
    sizes_bytes: Sequence[int], *, repeats: int, rng: np.random.Generator, compiled: bool = True
) -> Curve:
    """Return the time of a dependent load for working sets of these sizes.

    Sizes are visited in a new order in every repeat, so that a busy second hits no single size.

    Parameters
    ----------
    sizes_bytes
        Ascending, whole cache lines.
    repeats
        Chases a size, >= 5.
    rng
        Gives the chains and the order of the sizes.
    compiled
        False: the fall-back even where there is a compiler.
    """
    how, step = _chaser() if compiled else (FALLBACK, _gather)
    chains = [random_cycle(size // LINE_BYTES, rng=rng) for size in sizes_bytes]
    samples_ns = np.empty((len(chains), repeats))
    for repeat in range(repeats):
        for place in rng.permutation(len(chains)):
            chain = chains[place]
            step(chain, chain.size * INDEX_BYTES // LINE_BYTES)  # the set is now where it fits
            samples_ns[place, repeat] = _timed_ns(functools.partial(step, chain, CHASE_STEPS))
    return Curve(tuple(sizes_bytes), samples_ns / CHASE_STEPS, how)


def sweep_strides(
    strides_bytes: Sequence[int], *, repeats: int, rng: np.random.Generator, compiled: bool = True
) -> Curve:
    """Return the time of an independent load that goes on by these strides, once over 128 MiB.

    Parameters
    ----------
    strides_bytes
        Ascending multiples of 4.
    repeats, rng, compiled
        As in `sweep_sizes`.
    """
    data = np.ones(SUM_BYTES // INDEX_BYTES, dtype=np.int32)
    how, add = _adder() if compiled else (FALLBACK, _slice_sum)
    samples_ns = np.empty((len(strides_bytes), repeats))
    for repeat in range(repeats):
        for place in rng.permutation(len(strides_bytes)):
            stride = strides_bytes[place] // INDEX_BYTES
            steps = data.size // stride  # one pass: no element twice
            call = functools.partial(add, data, steps, stride)
            samples_ns[place, repeat] = _timed_ns(call) / steps
    return Curve(tuple(strides_bytes), samples_ns, how)


def reported_caches(root: Path = CPU) -> dict[str, int]:
    """Return the sizes of the data caches [B] that the operating system reports, or nothing.

    Parameters
    ----------
    root
        Where Linux keeps them, one folder a cache.
    """
    found = {}
    for folder in sorted(root.glob("index*")):
        if not all((folder / name).exists() for name in ("level", "type", "size")):
            continue  # as on many arm64 machines
        level, kind, size = (
            (folder / name).read_text(encoding="ascii").strip()
            for name in ("level", "type", "size")
        )
        if kind != "Instruction" and size.endswith("K"):
            found[f"L{level}"] = int(size[:-1]) * 1024
    return found


def table_beside(
    estimates: Mapping[str, Mapping[str, float]],
    levels: Sequence[tuple[float, float]],
    *,
    memory: Result,
) -> list[dict[str, float | str]]:
    """Return published latencies [ns] and those found here as rows of a table.

    Parameters
    ----------
    estimates
        Name of a list to its latencies ``L1``, ``L2`` and ``memory``.
    levels
        ``(capacity_bytes, latency_ns)`` each; the first two stand for L1 and L2.
    memory
        A load from the largest working set.
    """
    rows: list[dict[str, float | str]] = []
    for name, ns in estimates.items():
        rows.append({"source": f"estimates, {name}", **ns, "memory / L2": ns["memory"] / ns["L2"]})
    here: list[float | str] = ["none found", "none found"]
    here[: len(levels)] = [latency_ns for _, latency_ns in levels[:2]]
    l1, l2 = here[:2]
    ratio = "" if isinstance(l2, str) else memory.value / l2
    told = memory.describe("load_ns")
    return [
        *rows,
        {"source": "this machine", "L1": l1, "L2": l2, "memory": told, "memory / L2": ratio},
    ]


def _timed_ns(call: Callable[[], object]) -> float:
    start_ns = perf_counter_ns()
    call()
    return float(perf_counter_ns() - start_ns)


Step = Callable[[npt.NDArray[np.uint32], int], object]
Add = Callable[[npt.NDArray[np.int32], int, int], object]


def _chaser() -> tuple[str, Step]:
    library = _library()
    if library is None:
        return FALLBACK, _gather
    function = library[1].chase
    function.argtypes = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint32)
    return library[0], lambda chain, steps: function(chain.ctypes.data, steps, 0)


def _adder() -> tuple[str, Add]:
    library = _library()
    if library is None:
        return FALLBACK, _slice_sum
    function = library[1].strided_sum
    function.argtypes = (ctypes.c_void_p, *3 * (ctypes.c_int64,))
    return library[0], lambda data, steps, stride: function(
        data.ctypes.data, steps, stride, data.size - 1
    )


def _gather(chain: npt.NDArray[np.uint32], steps: int) -> object:
    return chain.take(np.resize(chain[:: LINE_BYTES // INDEX_BYTES], steps)).sum()


def _slice_sum(data: npt.NDArray[np.int32], steps: int, stride: int) -> object:
    return data[np.arange(0, steps * stride, stride) % data.size].sum()


@functools.cache
def _library() -> tuple[str, ctypes.CDLL] | None:
    """Return the compiled loops: by zig where it is installed, else by the system's compiler."""
    text = SOURCE.read_text(encoding="ascii")
    try:
        return "C, compiled by zig -O2", HostLibrary(text).functions
    except ExtraMissingError:
        compiler = shutil.which("cc")
    if compiler is None or platform.system() == "Windows":
        return None
    with tempfile.TemporaryDirectory(prefix="course-c-") as folder:
        library = Path(folder) / "chase.so"
        command = [compiler, "-O2", "-shared", "-fPIC", str(SOURCE), "-o", str(library)]
        if subprocess.run(command, check=False, capture_output=True, timeout=60).returncode:
            return None
        return "C, compiled by cc -O2", ctypes.CDLL(str(library))
