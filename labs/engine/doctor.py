"""What works on this machine, and the one command for each thing that is missing.

It looks and asks, and changes nothing: no package is installed, no data fetched. Required parts
that do not work are ``broken``; optional ones are ``absent``, ``partial`` or ``damaged``.
"""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from course_utils import data
from course_utils.errors import CourseUtilsError, DataCorruptError, DataMissingError
from course_utils.units import format_bytes
from labs.engine.extras import (
    Extra,
    find_extra,
    find_extras,
    install_command,
    missing_requirements,
)

OK, PARTIAL, ABSENT, DAMAGED, BROKEN = "ok", "partial", "absent", "damaged", "broken"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    topic
        What it is.
    state
        ``ok``; ``absent``, ``partial`` (some splits of a data set) or ``damaged`` for what is
        optional; ``broken`` for what is required.
    text
        What was found, in a few words.
    remedy
        The one command that helps; empty if nothing needs help.
    """

    topic: str
    state: str
    text: str
    remedy: str = ""


def diagnose() -> tuple[Finding, ...]:
    """Return what works here and what does not, the required things first."""
    return (
        check_python(),
        check_packages(),
        *_torch_findings(),
        check_kernel(),
        check_energy(),
        check_machine(),
        *(check_extra(extra) for extra in find_extras()),
        *(check_dataset(info) for info in data.list_datasets()),
    )


def diagnose_extra(name: str) -> tuple[Finding, ...]:
    """Return what an extra costs, and each package that it asks for.

    Raises
    ------
    UsageError
        If there is no such extra.
    """
    extra = find_extra(name)
    packages = (
        Finding(need, ABSENT if need in extra.missing else OK, _version_text(need))
        for need in extra.requirements
    )
    return (check_extra(extra), *packages)


def check_python() -> Finding:
    """Return which Python runs this."""
    kind = "in a virtual environment" if sys.prefix != sys.base_prefix else "no virtual environment"
    return Finding("Python", OK, f"{platform.python_version()}, {kind}")


def check_packages() -> Finding:
    """Return whether every required package is here in a version that is allowed."""
    missing = missing_requirements()
    if not missing:
        return Finding("packages", OK, "every required one is here")
    quoted = " ".join(f'"{need}"' for need in missing)
    return Finding("packages", BROKEN, ", ".join(missing), f"python -m pip install {quoted}")


def check_kernel() -> Finding:
    """Return whether notebooks can run: this Python as a Jupyter kernel."""
    try:
        version = metadata.version("ipykernel")
    except metadata.PackageNotFoundError:
        return Finding("kernel", BROKEN, "no ipykernel", "python -m pip install ipykernel")
    return Finding("kernel", OK, f"ipykernel {version}")


def check_energy() -> Finding:
    """Return which source energy would be read from, and why no better one."""
    try:
        from course_utils import energy  # noqa: PLC0415 - loads more than the other checks need

        with energy.meter() as meter:
            pass
    except (CourseUtilsError, ImportError) as err:
        return Finding("energy", BROKEN, str(err))
    reading = meter.reading
    notes = f"; {'; '.join(reading.notes)}" if reading.notes else ""
    return Finding("energy", OK, f"{reading.source}, {reading.tier}{notes}")


def check_machine() -> Finding:
    """Return cores, memory and free disk space."""
    has_affinity = hasattr(os, "sched_getaffinity")  # a container may own fewer cores
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count()
    memory = psutil.virtual_memory()
    free_bytes = shutil.disk_usage(Path.cwd()).free
    text = (
        f"{cores} cores, {format_bytes(memory.total)} memory "
        f"({format_bytes(memory.available)} free), {format_bytes(free_bytes)} disk free here"
    )
    return Finding("machine", OK, text)


def check_extra(extra: Extra) -> Finding:
    """Return whether an extra is installed, else what it would cost and how to get it."""
    topic = f"extra {extra.name}"
    if extra.is_installed:
        return Finding(topic, OK, "installed")
    cost = (
        f"about {format_bytes(extra.download_bytes)} download, "
        f"{format_bytes(extra.disk_bytes)} disk"
    )
    return Finding(topic, ABSENT, cost, install_command(extra.name))


def check_dataset(info: data.DatasetInfo) -> Finding:
    """Return whether a data set is here and whole, else what is here of it and how to get it."""
    topic = f"data {info.name}"
    if info.embedded:
        return Finding(topic, OK, f"comes with {info.embedded}")
    try:
        paths = data.locate(info.name)
    except DataMissingError:
        return _absent_dataset(info)
    except DataCorruptError as err:
        return Finding(topic, DAMAGED, str(err), f"lab data fetch {info.name}")
    size_bytes = sum(path.stat().st_size for path in paths)
    return Finding(topic, OK, f"here and verified, {format_bytes(size_bytes)}")


def _absent_dataset(info: data.DatasetInfo) -> Finding:
    """Return what a data set costs that is not here, or only some splits of it."""
    cost, remedy = f"{format_bytes(info.download_bytes)} download", f"lab data fetch {info.name}"
    if any(file.maker for file in info.files):
        cost = f"{format_bytes(info.files[0].size_bytes)}, made here by the extra speech"
    elif not info.download_bytes:
        name = info.files[0].path
        cost = f"no download; COURSE_DATA must hold {name}"
        remedy = f"export COURSE_DATA=FOLDER  # one that holds {name}"
    if held := [split for split in info.splits if _is_here(info.name, split)]:
        text = f"{' and '.join(held)} here and verified; all of it: {cost}"
        return Finding(f"data {info.name}", PARTIAL, text, remedy)
    return Finding(f"data {info.name}", ABSENT, cost, remedy)


def _is_here(name: str, split: str) -> bool:
    try:
        return bool(data.locate(name, split=split))
    except (DataMissingError, DataCorruptError):
        return False


def check_torch(torch: Any) -> Iterator[Finding]:
    """Yield what an imported torch can use: the processor, and a GPU if there is one."""
    yield Finding("torch", OK, f"{torch.__version__}, {torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        yield Finding("GPU", OK, ", ".join(names))
    elif torch.backends.mps.is_available():
        yield Finding("GPU", OK, "Apple GPU (MPS)")
    elif shutil.which("nvidia-smi"):
        text = f"an NVIDIA driver is here, but torch {torch.__version__} cannot use it"
        remedy = "python -m pip install --force-reinstall torch torchvision"
        yield Finding("GPU", ABSENT, text, remedy)
    else:
        yield Finding("GPU", ABSENT, "none; the labs take the processor and say so")


def _torch_findings() -> Iterator[Finding]:
    try:
        import torch  # noqa: PLC0415 - the doctor must be able to say that it does not work

        yield from check_torch(torch)
        torchvision = data.import_torchvision()
    except (ImportError, OSError, RuntimeError) as err:  # a wheel for another system: any of these
        reason = str(err).strip().splitlines()[-1:] or ["does not load"]
        remedy = "python -m pip install --force-reinstall torch torchvision"
        yield Finding("torch", BROKEN, reason[0], remedy)
        return
    yield Finding("torchvision", OK, str(torchvision.__version__))


def _version_text(requirement: str) -> str:
    from packaging.requirements import Requirement  # noqa: PLC0415

    try:
        return f"{metadata.version(Requirement(requirement).name)} installed"
    except metadata.PackageNotFoundError:
        return "not installed"
