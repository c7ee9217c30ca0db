"""The machine that a run takes place on: ``python -m labs.engine.machine`` prints it as JSON.

It is asked in a process of its own, with the environment of the notebook's kernel, so that the
threads and GPUs named are those that the notebook saw. It measures nothing.
"""

import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import torch


def machine() -> dict[str, Any]:
    """Return where a measurement was taken: processor, cores, memory, system, versions, GPU."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "processor": _processor_name(),
        "cores": _usable_cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch_threads": torch.get_num_threads(),
        "gpus": gpus,
        "packages": {name: metadata.version(name) for name in ("torch", "numpy", "mlsys-course")},
    }


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: a container may own fewer than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(machine()))
