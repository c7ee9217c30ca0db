"""What the ranks of a launch left in their folder: results, or the error that says what happened.

Reads files and decides; it starts and ends nothing.
"""

import json
import linecache
import re
import signal
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labs.engine import codec
from labs.gpu_training.launching.errors import (
    LaunchError,
    LaunchTimeoutError,
    RankError,
)
from labs.gpu_training.launching.rank import DISK_FULL, MAX_RESULT_BYTES

LOG_CHARACTERS = 4000
_LOST = re.compile(r"[Cc]onnection (closed|reset|refused)|[Bb]roken pipe|remote process exited")
_MEMORY = re.compile(r"can't allocate memory|out of memory|[Cc]annot allocate memory")
_NOISE = re.compile(r"^(\[Gloo\] Rank|\[rank\d+\]:\[[WE]\d{4}|\[?[WE]\d{4} ).*\n?", re.MULTILINE)
_FRAME = re.compile(r'File "(?P<file>.*)", line (?P<line>\d+) in (?P<name>.*)')
_CELL = re.compile(r"^<|ipykernel_\d+")
_LESS_MEMORY = (
    "take a smaller `size` or `batch`, or more ranks with a strategy that shares the weights "
    "out, such as fsdp2"
)


def results(folder: Path, world_size: int) -> list[Any]:
    """Return the result of every rank.

    Raises
    ------
    RankError
        If a rank raised or its process died; names the one that failed first.
    LaunchError
        If the ranks did not even start.
    """
    paths = [folder / f"result-{rank}" for rank in range(world_size)]
    failures = {int(rank): code for rank, code in _read(folder / "outcome.json").items()}
    if not failures and all(path.exists() for path in paths):
        messages = [path.read_bytes() for path in paths]
        return [codec.decode(m, tensors=True, max_bytes=MAX_RESULT_BYTES) for m in messages]
    errors = {rank: _read(folder / f"error-{rank}.json") for rank in range(world_size)}
    if failures or any(errors.values()):
        rank = first_failure(failures, errors)
        returned = [each for each, path in enumerate(paths) if path.exists() and each != rank]
        sentence = explain(rank, failures.get(rank, 1), error=errors[rank], returned=returned)
        is_ours = errors[rank].get("doing") == "result"  # what it returned, not where
        trace = "" if is_ours else errors[rank].get("traceback", "")
        if not errors[rank] and (words := log(folder, rank)):  # what C++ says before it aborts
            sentence = f"{sentence}. The end of what it wrote:\n{words}"
        raise RankError(sentence, rank=rank, traceback=trace)
    words = quiet(_text(folder / "agent.txt")).strip()[-LOG_CHARACTERS:]
    raise LaunchError(
        "the ranks could not be started; they need free memory, space for files and this "
        f"machine's own network: {words or 'torchrun ended without a word'}"
    )


def too_late(folder: Path, world_size: int, *, timeout_s: float) -> LaunchTimeoutError:
    """Return the error that says where each rank stood when time was up.

    Parameters
    ----------
    folder
        Of the launch.
    world_size
        Number of ranks.
    timeout_s
        The time that was up.
    """
    stood = []
    for rank in range(world_size):
        text = _text(folder / f"stand-{rank}.txt")
        if (folder / f"result-{rank}").exists():
            stood.append(f"rank {rank} had returned")
        elif text or (folder / f"stand-{rank}.txt").exists():
            stood.append(f"rank {rank} stood {place(text)}")
        else:
            stood.append(f"rank {rank} had not started")
    return LaunchTimeoutError(
        f"no end after {timeout_s:g} s: {'; '.join(stood)}. Ranks that wait for one that never "
        "comes wait for ever; for long work, give a larger timeout_s"
    )


def first_failure(failures: Mapping[int, int], errors: Mapping[int, Mapping[str, Any]]) -> int:
    """Return the rank whose failure explains the others'.

    A process that died without a word comes first, then what was raised, by time. Ranks that lost a
    connection suffer from another one's failure.

    Parameters
    ----------
    failures
        Exit code of each rank that failed, negative for a signal.
    errors
        What each rank could still write: ``message`` and ``time``; empty if nothing.

    Examples
    --------
    >>> lost = {"message": "Connection closed by peer", "time": 1.0}
    >>> first_failure({0: 1, 1: -9}, {0: lost, 1: {}})
    1
    >>> first_failure({0: 1, 1: 1}, {0: lost, 1: {"message": "no such file", "time": 1.2}})
    1
    """

    def order(rank: int) -> tuple[int, float, int]:
        error = errors.get(rank, {})
        if not error:
            return 0, 0.0, rank
        return (2 if _LOST.search(error["message"]) else 1), error["time"], rank

    return min({*failures, *(rank for rank, error in errors.items() if error)}, key=order)


def explain(
    rank: int, exitcode: int, *, error: Mapping[str, Any], returned: list[int] | None = None
) -> str:
    """Return in one sentence what happened to a rank, with the remedy where one is known.

    Parameters
    ----------
    rank, exitcode
        Which one; negative for a signal.
    error
        ``name``, ``message`` and ``doing`` of what it raised; empty if it died.
    returned
        The ranks that had ended well.

    Examples
    --------
    >>> explain(1, -11, error={})
    'rank 1 was killed by SIGSEGV'
    """
    if not error:
        return f"rank {rank} {_death(exitcode)}"
    raised = f"{error['name']}: {error['message']}"
    if error["doing"] == "result":
        return f"what rank {rank} returned cannot come back: {error['message']}"
    if error["name"] in ("OutOfMemoryError", "MemoryError") or _MEMORY.search(error["message"]):
        return f"rank {rank} ran out of memory; {_LESS_MEMORY}. It raised {raised}"
    if _LOST.search(error["message"]) and returned:
        early = ", ".join(map(str, returned))
        return (
            f"rank {rank} waited for a rank that had returned already (rank {early}); all ranks "
            "must take part in the same collectives"
        )
    return f"rank {rank} raised {raised}"


def _death(exitcode: int) -> str:
    if exitcode == DISK_FULL:
        return "could not write its result: free space, or set TMPDIR to a folder that has some"
    if exitcode >= 0:
        return f"ended with exit code {exitcode} before its function returned"
    name = signal.Signals(-exitcode).name if -exitcode in list(signal.Signals) else str(-exitcode)
    if name != "SIGKILL":
        return f"was killed by {name}"
    return f"was killed by SIGKILL. Mostly that means that memory ran out: {_LESS_MEMORY}"


def place(stand: str) -> str:
    r"""Return where a rank stood, from what `faulthandler` wrote.

    Parameters
    ----------
    stand
        The stacks of its threads, the main one last, innermost call first.

    Examples
    --------
    >>> place('Thread 0x1 (most recent call first):\n  File "<cell>", line 3 in train\n')
    'in line 3 of train'
    """
    frames = [match.groupdict() for match in _FRAME.finditer(stand.rpartition("Thread 0x")[2])]
    if not frames:
        return "somewhere that it could not tell"
    own = next((frame for frame in frames if _is_own(frame["file"])), frames[-1])
    line = linecache.getline(own["file"], int(own["line"])).strip()
    where = "" if _CELL.search(own["file"]) else f" in {Path(own['file']).name}"
    text = f"in line {own['line']} of {own['name']}{where}"
    inner = frames[0]["name"]
    text += f" (`{line}`)" if line else ""
    return text if own is frames[0] else f"{text}, waiting in {inner}"


def _is_own(file: str) -> bool:
    paths = sysconfig.get_paths()
    libraries = (paths["stdlib"], paths["purelib"], paths["platlib"], "<frozen")
    return not file.startswith(libraries) and Path(file).parent.name != "launching"


def log(folder: Path, rank: int) -> str:
    """Return the end of what a rank printed, without torch's own notes."""
    texts = [
        _text(path)
        for name in ("stdout.log", "stderr.log")
        for path in sorted((folder / "logs").glob(f"*/attempt_0/{rank}/{name}"))
    ]
    return quiet("".join(texts))[-LOG_CHARACTERS:]


def quiet(text: str) -> str:
    r"""Return a text without the notes that gloo and torch write beside it.

    Examples
    --------
    >>> quiet("[Gloo] Rank 0 is connected to 1 peer ranks.\nloss 2.1\n")
    'loss 2.1\n'
    """
    return _NOISE.sub("", text)


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
