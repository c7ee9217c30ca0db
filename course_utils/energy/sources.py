"""Where joules come from: each source opens a `Counter`, or says why it cannot work here.

- `rapl`: counters of processor and memory, whatever runs there (Linux)
- `nvml`: the counter of an NVIDIA GPU
- `powermetrics`: Apple's estimate, where it runs without a password (macOS)
- `model`: 4 W * CPU seconds + 0.3725 W/GB * resident memory * seconds, of this process alone
- `assumed`: a power that nobody measured, for a GPU without a counter

`course_utils.energy` chooses among them and times the block. No source uses the network.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean
from subprocess import DEVNULL, PIPE, Popen
from threading import Thread
from time import perf_counter, process_time
from typing import TypeAlias

import psutil

from course_utils import units
from course_utils.errors import MeasurementError
from course_utils.records import Kind, Result

# codecarbon's value for a hardware thread of a processor it does not know (DEFAULT_POWER_PER_CORE);
# one busy core of a laptop draws several times as much. Better, if you know it: TDP / threads.
CORE_W = 4.0
MEMORY_W_PER_GB = 0.3725  # Green Algorithms: Lannelongue et al., Advanced Science (2021) 2100707
MODEL_ERROR = 0.40  # the worst of models against a wall meter: Fischer, arXiv 2509.22092 (2025)
COUNTER_ERROR = 0.05  # NVIDIA's figure for its power reading; Intel gives none, so assumed for RAPL
ASSUMED_GPU_W = {"cuda": 150.0, "mps": 10.0}  # half of what they may draw: ours
POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Counter:
    """A source at work.

    Parameters
    ----------
    name
        What is read.
    read_j
        Returns the energy since the source was opened [J].
    error
        How far off that may be, as a fraction.
    tier
        ``measured``, ``modelled`` or ``assumed``: see `course_utils.energy`.
    covers_gpu
        Whether a source for the processor sees the GPU as well.
    update_s, max_power_w
        Time between two updates of the counter, and the power that may go unseen meanwhile.
    """

    name: str
    read_j: Callable[[], float]
    error: float
    tier: Kind = "measured"
    covers_gpu: bool = False
    update_s: float = 0.0
    max_power_w: float = 0.0

    def read(self, duration_s: float) -> Result:
        """Return the energy [J], sure to within its relative error and one update."""
        energy_j = self.read_j()
        is_long = duration_s >= self.update_s and energy_j > 0
        power_w = energy_j / duration_s if is_long else self.max_power_w
        error_j = self.error * energy_j + self.update_s * power_w
        low_j, high_j = max(0.0, energy_j - error_j), energy_j + error_j
        return Result(energy_j, low_j, high_j, n=1, kind=self.tier)


# A source opens a counter, or raises MeasurementError with the reason why it cannot.
Source: TypeAlias = Callable[[], AbstractContextManager[Counter]]


@contextmanager
def rapl(root: Path = POWERCAP) -> Iterator[Counter]:
    """Open the energy counters of the processor, Intel's or AMD's, under a powercap folder.

    Domains nest (psys > package > core and uncore), so these are the packages and the memory (dram)
    beside them. A counter turns round every 262 kJ or so: in a block of over 5 minutes call
    `Meter.read` in between.
    """
    # Not `intel-rapl-mmio:*`: the same package by another way.
    zones = [zone for zone in sorted(root.glob("intel-rapl:*")) if _is_counted(zone)]
    if not zones:
        raise MeasurementError(f"RAPL: no counters in {root} (a virtual machine, or no Linux)")
    range_uj = {zone: int(_read_zone(zone, "max_energy_range_uj")) for zone in zones}
    last_uj = {zone: int(_read_zone(zone, "energy_uj")) for zone in zones}
    total_uj = 0

    def read_j() -> float:
        nonlocal total_uj
        for zone in zones:
            now_uj = int(_read_zone(zone, "energy_uj"))
            total_uj += (now_uj - last_uj[zone]) % range_uj[zone]
            last_uj[zone] = now_uj
        return total_uj / units.UJ_PER_J

    machine = Counter("RAPL (whole machine)", read_j, COUNTER_ERROR)
    yield replace(machine, update_s=1e-3, max_power_w=500.0 * len(zones))


def _is_counted(zone: Path) -> bool:
    return _read_zone(zone, "name").startswith(("package", "dram"))


def _read_zone(zone: Path, file: str) -> str:
    try:
        return (zone / file).read_text(encoding="ascii").strip()
    except OSError as err:  # since CVE-2020-8694 they are for root alone
        raise MeasurementError(
            f"RAPL: {zone / file} cannot be read ({err.strerror}); an administrator may allow it: "
            f"sudo chmod a+r {zone.parent}/intel-rapl:*/energy_uj"
        ) from err


@contextmanager
def nvml(device: str = "cuda") -> Iterator[Counter]:
    """Open the total-energy counter of an NVIDIA GPU (Volta or newer).

    The device is the one that torch counts, found by its UUID, so that ``CUDA_VISIBLE_DEVICES``
    does not mislead. It takes the module ``pynvml`` (extra ``gpu``).
    """
    try:
        import pynvml  # noqa: PLC0415 - an extra
    except ImportError as err:
        raise MeasurementError("NVML: no pynvml here; pip install nvidia-ml-py") from err

    def total_j() -> float:
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / units.MJ_PER_J

    with ExitStack() as stack:
        try:
            pynvml.nvmlInit()
            stack.callback(pynvml.nvmlShutdown)
            handle = pynvml.nvmlDeviceGetHandleByUUID(_gpu_uuid(device))
            begin_j = total_j()
        except pynvml.NVMLError as err:
            raise MeasurementError(f"NVML: no energy counter of {device} ({err})") from err
        gpu = Counter("NVML (whole GPU)", lambda: total_j() - begin_j, COUNTER_ERROR)
        yield replace(gpu, update_s=0.1, max_power_w=1000.0)


def _gpu_uuid(device: str) -> str:
    import torch  # noqa: PLC0415 - only where there is a GPU

    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


@contextmanager
def powermetrics(command: Sequence[str] = ("sudo", "-n", "powermetrics")) -> Iterator[Counter]:
    """Open Apple's estimate of processor and GPU: the mean power of its samples times the time.

    It runs as root or by a sudo rule without a password. Apple calls the power estimated and not
    fit to compare devices: hence modelled.
    """
    command = [*command, "--samplers", "cpu_power,gpu_power", "-b", "1", "-i", "500"]
    tool = Popen(command, bufsize=0, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    with tool:  # on leaving, the pipe closes, which ends it: we may not signal a process of root
        output = tool.stdout
        first = next(filter(None, map(_POWER_MW.search, islice(output or (), 1000))), None)
        if output is None or first is None:
            raise MeasurementError("powermetrics: gives no power here without a password")
        powers_mw, begin_s = list[float](), perf_counter()

        def listen() -> None:  # all the time: a full pipe would stop the samples
            with suppress(ValueError):  # the pipe was closed
                powers_mw.extend(float(m[1]) for m in map(_POWER_MW.search, output) if m)

        Thread(target=listen, daemon=True).start()

        def read_j() -> float:
            power_w = fmean(powers_mw or [float(first[1])]) / units.MW_PER_W
            return power_w * (perf_counter() - begin_s)

        apple = Counter("powermetrics", read_j, MODEL_ERROR, "modelled", covers_gpu=True)
        yield replace(apple, update_s=0.5, max_power_w=100.0)


# The sum over processor and GPU, and what it was called in macOS 11.
_POWER_MW = re.compile(rb"(?:Combined|Package) Power[^:\n]*: ([\d.]+) mW")


@contextmanager
def model(core_w: float = CORE_W, memory_w_per_gb: float = MEMORY_W_PER_GB) -> Iterator[Counter]:
    """Open a model: so much for a busy hardware thread, so much for a GB of resident memory.

    Memory is the mean of both ends, without that of child processes.
    """
    memory = psutil.Process().memory_info
    cpu_0_s, bytes_0, begin_s = cpu_time_s(), memory().rss, perf_counter()

    def read_j() -> float:
        memory_gb = (bytes_0 + memory().rss) / 2 / units.BYTES_PER_GB
        memory_j = memory_w_per_gb * memory_gb * (perf_counter() - begin_s)
        return core_w * (cpu_time_s() - cpu_0_s) + memory_j

    yield Counter("CPU time and memory of this process", read_j, MODEL_ERROR, "modelled")


@contextmanager
def assumed(power_w: float) -> Iterator[Counter]:
    """Open a constant power of a GPU that nobody measured: anything from nothing to twice it."""
    begin_s, name = perf_counter(), f"{power_w:g} W assumed for the GPU"
    yield Counter(name, lambda: power_w * (perf_counter() - begin_s), 1.0, "assumed")


def cpu_time_s() -> float:
    """Return the CPU time of this process and of its children that ended (steps of 10 ms)."""
    times = os.times()
    return process_time() + times.children_user + times.children_system


def default_sources(device: str = "cpu") -> list[tuple[Source, ...]]:
    """Return what to try for the processor and for a GPU beside it, best first.

    The last of each always works.
    """
    apple = (powermetrics,) if sys.platform == "darwin" else ()
    processor: tuple[Source, ...] = (rapl, *apple, model)
    if device == "cpu":
        return [processor]
    power_w = ASSUMED_GPU_W[device.partition(":")[0]]
    return [processor, (partial(nvml, device), partial(assumed, power_w))]
