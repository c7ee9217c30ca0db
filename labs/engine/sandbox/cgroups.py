"""Control groups: one limit on memory and number for all processes of a sandbox together.

Version 2 and version 1 are used where this user may make groups; where not, the limits of single
processes remain (`labs.engine.sandbox.walls`). A group that is left behind, because its maker was
killed, is swept by the next start.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from labs.engine.sandbox.limits import MIB, Limits

PREFIX = "course-sandbox-"
BASE_BYTES = 512 * MIB  # pages of the imported packages that a fork comes to write to
SPARE_PROCESSES = 8  # the first process, and those that a limit of a user id does not count
MOUNTS, OWN_GROUPS = Path("/proc/self/mounts"), Path("/proc/self/cgroup")
_CONTROLLERS = ("memory", "pids", "cpuacct")
_KNOBS = {"memory": "memory.limit_in_bytes", "pids": "pids.max", "cpuacct": "cpuacct.usage"}
_REMOVAL_TRIES = 20


class Parent(NamedTuple):
    """A folder in which groups are made, and what a group in it controls."""

    folder: str
    version: int
    controllers: tuple[str, ...]


class Group(NamedTuple):
    """The folders of one sandbox, one for each hierarchy."""

    folders: tuple[Parent, ...]


def find_parents(mounts: Path = MOUNTS, own_groups: Path = OWN_GROUPS) -> tuple[Parent, ...]:
    """Return where this process may make groups; empty if nowhere.

    Parameters
    ----------
    mounts, own_groups
        What the kernel says about mounted file systems and about the groups of this process.
    """
    try:
        own = _own_paths(own_groups.read_text(encoding="utf-8"))
        lines = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ()
    found = []
    for _, root, kind, options, *_ in lines:
        if kind == "cgroup2":
            found += _usable(_upwards(root, own.get("", "/")), 2, ("memory", "pids"))
        elif kind == "cgroup":
            names = [name for name in _CONTROLLERS if name in options.split(",")]
            for name in names:
                found += _usable([_existing(root, own.get(name, "/"))], 1, (name,))
    return tuple({parent.controllers: parent for parent in found}.values())


def _own_paths(text: str) -> dict[str, str]:
    """Return controller -> path of this process's group; version 2 has the name ''."""
    paths = {}
    for line in text.splitlines():
        _, names, path = line.split(":", 2)
        paths.update(dict.fromkeys(names.split(","), path))
    return paths


def _existing(root: str, path: str) -> str:
    """Return a group's folder; in a container it may lie above what is mounted."""
    folder = root + path.rstrip("/")
    return folder if Path(folder).is_dir() else root


def _upwards(root: str, path: str) -> list[str]:
    """Return a group's folder and those above: only one without processes passes control on."""
    folder = Path(_existing(root, path))
    return [str(f) for f in (folder, *folder.parents) if f.is_relative_to(root)]


def _usable(folders: Iterable[str], version: int, controllers: tuple[str, ...]) -> list[Parent]:
    """Return the first folder in which a group with the knobs can be made, as a list."""
    knobs = ("memory.max", "pids.max") if version == 2 else tuple(map(_KNOBS.get, controllers))
    for folder in folders:
        probe = Path(folder) / f"{PREFIX}{os.getpid()}"
        try:
            probe.mkdir()
            has_knobs = all(os.access(probe / str(knob), os.W_OK) for knob in knobs)
            probe.rmdir()
        except OSError:
            continue
        if has_knobs:
            return [Parent(folder, version, controllers)]
    return []


def make(parents: Sequence[Parent], name: str, *, limits: Limits) -> Group:
    """Make a group with the limits; what a hierarchy refuses is left out."""
    folders = []
    for parent in parents:
        folder = f"{parent.folder}/{name}"
        try:
            os.mkdir(folder)  # noqa: PTH102 - this and the next are on the path of every start
            _limit(folder, parent, limits)
        except OSError:
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # noqa: PTH106
            continue
        folders.append(Parent(folder, parent.version, parent.controllers))
    return Group(tuple(folders))


def _limit(folder: str, parent: Parent, limits: Limits) -> None:
    memory_bytes = limits.memory_bytes + BASE_BYTES
    processes = limits.processes + SPARE_PROCESSES
    if parent.version == 2:
        _write(f"{folder}/memory.max", memory_bytes)
        with contextlib.suppress(OSError):  # a kernel without swap has no such file
            _write(f"{folder}/memory.swap.max", 0)
    elif "memory" in parent.controllers:
        _write(f"{folder}/memory.limit_in_bytes", memory_bytes)
        with contextlib.suppress(OSError):
            _write(f"{folder}/memory.memsw.limit_in_bytes", memory_bytes)
    if "pids" in parent.controllers:
        _write(f"{folder}/pids.max", processes)


def _write(path: str, value: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)


def enter(group: Group) -> None:
    """Move this process into a group."""
    for parent in group.folders:
        _write(f"{parent.folder}/cgroup.procs", 0)


def controls(group: Group) -> set[str]:
    """Return what a group limits, of memory and pids."""
    return {name for parent in group.folders for name in parent.controllers} & {"memory", "pids"}


def cpu_s(group: Group) -> float | None:
    """Return the processor time of all that ever ran in a group; None if none counts it."""
    for folder, version, controllers in group.folders:
        with contextlib.suppress(OSError, ValueError, IndexError):
            if version == 2:
                text = Path(folder, "cpu.stat").read_text(encoding="ascii")
                return int(text.split()[text.split().index("usage_usec") + 1]) / 1e6
            if "cpuacct" in controllers:
                return int(Path(folder, "cpuacct.usage").read_text(encoding="ascii")) / 1e9
    return None


def is_out_of_memory(group: Group) -> bool:
    """Return whether the kernel has ended a process because the group's memory was full."""
    for folder, version, controllers in group.folders:
        if "memory" in controllers:
            name = "memory.events" if version == 2 else "memory.oom_control"
            with contextlib.suppress(OSError, ValueError, IndexError):
                words = Path(folder, name).read_text(encoding="ascii").split()
                return int(words[words.index("oom_kill") + 1]) > 0
    return False


def remove(group: Group) -> None:
    """Remove a group whose processes have ended; the kernel may need a moment for the last."""
    for parent in group.folders:
        for _ in range(_REMOVAL_TRIES):
            try:
                os.rmdir(parent.folder)  # noqa: PTH106
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.01)
            else:
                break


def is_gone(process: str) -> bool:
    """Return whether a process, given by its number, has ended, reaped or not."""
    try:
        status = Path("/proc", process, "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] in "ZX"


def sweep(parents: Iterable[Parent]) -> None:
    """Remove groups whose makers, named by their process numbers, are gone."""
    for parent in parents:
        for folder in Path(parent.folder).glob(f"{PREFIX}*"):
            if is_gone(folder.name.removeprefix(PREFIX)):
                with contextlib.suppress(OSError):
                    folder.rmdir()
