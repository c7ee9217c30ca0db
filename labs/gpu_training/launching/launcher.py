"""Runs a function as several ranks, as torchrun does, from a notebook that must not hang.

The function may come from a notebook's cell: it travels by value. What comes back is plain data,
one result a rank. The ranks talk by NCCL where there are enough GPUs, else by gloo on this
machine's cores. The other parts are `labs.gpu_training.launching.agent`, which holds torchrun's
agent, `labs.gpu_training.launching.rank`, and `labs.gpu_training.launching.outcome`, which reads
what they leave. Several machines: `labs.gpu_training.launching.clusters`.
"""

import json
import linecache
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import torch

from labs.engine.catalog import LABS_ROOT
from labs.engine.processes import end_descendants
from labs.gpu_training.launching import outcome
from labs.gpu_training.launching.errors import LaunchError, PortTakenError, WorldSizeError

AGENT = "labs.gpu_training.launching.agent"
RANKS_A_CORE = 4
START_WITHIN_S = 120.0  # until ranks that never began are given up, after the time of their work
TELL_WITHIN_S = 1.0  # until ranks that do not say where they stand are given up
_POLL_S = 0.1


@dataclass(frozen=True)
class Launched:
    """What a launch brought back.

    Parameters
    ----------
    results
        What the function returned on each rank, as plain data (`labs.engine.codec`).
    logs
        The end of what each rank printed.
    backend
        ``nccl`` or ``gloo``.
    duration_s
        From call to return, start of the processes included.
    """

    results: list[Any]
    logs: list[str]
    backend: str
    duration_s: float


def choose_backend(world_size: int) -> str:
    """Return ``nccl`` if every rank can have a GPU of its own, else ``gloo``."""
    # A driver that is too old for this torch, and Windows, show GPUs that NCCL cannot use.
    has_nccl = torch.cuda.is_available() and torch.distributed.is_nccl_available()
    return "nccl" if has_nccl and 0 < world_size <= torch.cuda.device_count() else "gloo"


def launch(
    function: Callable[..., Any],
    *,
    world_size: int,
    arguments: Mapping[str, Any] | None = None,
    timeout_s: float = 120.0,
    threads: int = 1,
    port: int = 0,
) -> Launched:
    """Run a function on every rank of a new process group and return its results.

    Parameters
    ----------
    function
        Called as ``function(**arguments)`` on each rank, inside an initialised default process
        group; returns plain data. A function of a notebook travels with what it uses.
    world_size
        Number of ranks, 1 to 4 for each core, or the number of GPUs.
    arguments
        The same for every rank.
    timeout_s
        For the function's work on a rank, once the rank has started [s].
    threads
        Threads of torch a rank, on gloo.
    port
        Where the ranks meet on this machine; 0 takes a free one.

    Raises
    ------
    WorldSizeError
        If this machine cannot hold so many ranks.
    PortTakenError
        If another program listens at the port.
    RankError
        If a rank raised or its process died; names the first one.
    LaunchTimeoutError
        If the ranks did not come to an end in time.
    LaunchError
        If the ranks cannot be started at all: the function cannot travel, or there is no space.
    """
    started_s = time.perf_counter()
    _check_world_size(world_size)
    _check_port(port)
    if not timeout_s > 0:
        raise LaunchError(f"timeout_s is {timeout_s}; give seconds > 0")
    backend = choose_backend(world_size)
    with _folder() as folder:
        _write(
            folder,
            {"job": {"timeout_s": timeout_s, "backend": backend, "threads": threads}}
            | {"agent": _agent_task(world_size, port=port, backend=backend)},
            packed=_pack(function, dict(arguments or {})),
        )
        is_late = _run(folder, world_size, timeout_s=timeout_s)
        if is_late:
            raise outcome.too_late(folder, world_size, timeout_s=timeout_s)
        results = outcome.results(folder, world_size)
        logs = [outcome.log(folder, rank) for rank in range(world_size)]
    return Launched(results, logs, backend, time.perf_counter() - started_s)


def _agent_task(world_size: int, *, port: int, backend: str) -> dict[str, Any]:
    place = {"port": port, "run_id": uuid.uuid4().hex}
    return {"world_size": world_size, "backend": backend} | place


def _check_world_size(world_size: int) -> None:
    most = max(torch.cuda.device_count(), RANKS_A_CORE * (os.cpu_count() or 1))
    is_whole = isinstance(world_size, int) and not isinstance(world_size, bool)
    if not (is_whole and 1 <= world_size <= most):
        raise WorldSizeError(
            f"world_size is {world_size}; this machine holds 1 to {most} ranks "
            f"({os.cpu_count()} cores, {torch.cuda.device_count()} GPUs). For more, count on fake "
            "ranks or use several machines"
        )


def _check_port(port: int) -> None:
    if not 0 <= port <= 65_535:
        raise LaunchError(f"port is {port}; give one up to 65535, or leave `port` out")
    with socket.socket() as probe:
        if os.name == "posix":  # as torch's store does: a port just left may be used again
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except PermissionError as err:
            raise LaunchError(
                f"port {port} may not be used here; leave `port` out to take a free one"
            ) from err
        except OSError as err:
            raise PortTakenError(
                f"port {port} is in use by another program; leave `port` out to take a free one"
            ) from err


@contextmanager
def _folder() -> Iterator[Path]:
    try:
        folder = Path(tempfile.mkdtemp(prefix="ranks-"))
    except OSError as err:
        raise _no_space(err) from err
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _no_space(err: OSError) -> LaunchError:
    return LaunchError(
        f"the files of the ranks cannot be written: {err}; free space, or set TMPDIR to a folder "
        "that has some"
    )


def _pack(function: Callable[..., Any], arguments: dict[str, Any]) -> bytes:
    """Return function and arguments as bytes, with the lines of the cells for a traceback."""
    # Cells have no file: IPython keeps their lines in linecache, without a time of change.
    names = [name for name, entry in linecache.cache.items() if _is_cell(entry)]
    cells = {name: linecache.getlines(name) for name in names}
    job = {"function": function, "arguments": arguments, "sources": cells}
    try:
        return bytes(cloudpickle.dumps(job))
    except Exception as err:
        name = getattr(function, "__name__", repr(function))
        raise LaunchError(
            f"{name} cannot travel to the ranks with what it uses: {err}. Make inside the function "
            "what cannot be copied (open files, locks, connections), and pass the rest as plain "
            "data"
        ) from err


def _is_cell(entry: tuple[Any, ...]) -> bool:
    return len(entry) == 4 and entry[1] is None  # size, time, lines, name


def _write(folder: Path, tasks: Mapping[str, Any], *, packed: bytes) -> None:
    try:
        for name, task in tasks.items():
            (folder / f"{name}.json").write_text(json.dumps(task), encoding="utf-8")
        (folder / "job.pkl").write_bytes(packed)
    except OSError as err:
        raise _no_space(err) from err


def _run(folder: Path, world_size: int, *, timeout_s: float) -> bool:
    """Run the agent to its end; return whether it was ended because time was up."""
    with (folder / "agent.txt").open("wb") as words:
        agent = subprocess.Popen(
            [sys.executable, "-u", "-m", AGENT, str(folder)],  # a rank that dies empties no buffer
            stdin=subprocess.PIPE,
            stdout=words,
            stderr=words,
            env=_environment(),
            # Ctrl-C reaches this process alone, which ends the agent.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    try:
        return _is_late(agent, folder, world_size=world_size, timeout_s=timeout_s)
    finally:
        end_descendants(agent.pid, and_itself=True)
        agent.wait()
        if agent.stdin is not None:
            agent.stdin.close()


def _is_late(
    agent: "subprocess.Popen[bytes]", folder: Path, *, world_size: int, timeout_s: float
) -> bool:
    """Wait for the agent; return True once the ranks have said where they stand instead."""
    give_up_s = time.monotonic() + timeout_s + START_WITHIN_S
    while time.monotonic() < give_up_s:
        with suppress(subprocess.TimeoutExpired):
            agent.wait(_POLL_S)
        if agent.returncode is not None:
            return False
        told = {rank for rank in range(world_size) if _has_told(folder, rank)}
        ended = {rank for rank in range(world_size) if (folder / f"result-{rank}").exists()}
        if told:  # and may be writing still
            wait_s = 2 * _POLL_S if len(told | ended) == world_size else TELL_WITHIN_S
            give_up_s = min(give_up_s, time.monotonic() + wait_s)
    return True


def _has_told(folder: Path, rank: int) -> bool:
    path = folder / f"stand-{rank}.txt"
    return path.exists() and path.stat().st_size > 0


def _environment() -> dict[str, str]:
    paths = [str(LABS_ROOT.parent), os.environ.get("PYTHONPATH", "")]
    ours = {"PYTHONPATH": os.pathsep.join(path for path in paths if path), "USE_LIBUV": "0"}
    defaults = {"OMP_NUM_THREADS": "1", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    return defaults | dict(os.environ) | ours
