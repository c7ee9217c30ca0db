"""What each rank runs: joins the process group, calls one function, writes its result.

Started by torchrun as ``python -m labs.gpu_training.launching.rank FOLDER AGENT``, with the process
id of the agent, or as a copy of the agent. The folder holds ``job.json`` and ``job.pkl`` (the
function and its arguments, from the process that launched it and nobody else) and receives
``result-RANK`` or ``error-RANK.json``, and ``stand-RANK.txt``, where the rank stood when time was
up. It starts no other process.
"""

import atexit
import ctypes
import faulthandler
import importlib
import json
import linecache
import os
import pickle
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

DISK_FULL = 74  # the exit code of a rank that can write neither its result nor its error
MAX_RESULT_BYTES = 4 * 1024**3  # of our own rank; the weights of a large network are welcome
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main(folder: Path, *, agent: int) -> int:
    """Run the job of a folder as the rank that the environment names; return an exit code.

    Parameters
    ----------
    folder
        Made by `labs.gpu_training.launching.launcher.launch`.
    agent
        Process id of the agent; this process ends with it.
    """
    rank = int(os.environ["RANK"])
    _end_with(agent)
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    group = importlib.import_module("labs.gpu_training.launching.group")  # loads torch
    try:
        with (folder / f"stand-{rank}.txt").open("w", encoding="utf-8") as stand:
            faulthandler.dump_traceback_later(job["timeout_s"], file=stand)
            error = _work(folder, job, rank=rank, group=group)
            faulthandler.cancel_dump_traceback_later()
        if error:
            path = folder / f"error-{rank}.json"
            path.with_suffix(".part").write_text(json.dumps(error), encoding="utf-8")
            path.with_suffix(".part").replace(path)
    except OSError:
        traceback.print_exc()
        return DISK_FULL
    return 1 if error else 0


def finish(code: int) -> NoReturn:
    """End this process with an exit code, and nothing else of the interpreter's end."""
    if not code:
        atexit._run_exitfuncs()  # ends what the function started, such as workers of a loader
    sys.stdout.flush()
    sys.stderr.flush()
    # Not `sys.exit`: threads of a broken process group could keep a failed rank for minutes, and
    # C++ threads that outlive the interpreter now and then abort one that is done.
    os._exit(code)


def _work(folder: Path, job: dict[str, Any], *, rank: int, group: Any) -> dict[str, Any]:
    """Join, call the function and write its result; return what went wrong, or nothing."""
    doing = "call"
    try:
        called = pickle.loads((folder / "job.pkl").read_bytes())  # noqa: S301 - our parent wrote it
        for name, lines in called["sources"].items():  # so that a traceback can show the cell
            linecache.cache[name] = (sum(map(len, lines)), None, lines, name)
        group.join(job)
        result = called["function"](**called["arguments"])
        doing = "result"
        message = group.encode(result, max_bytes=MAX_RESULT_BYTES)
        path = folder / f"result-{rank}"
        path.with_suffix(".part").write_bytes(message)
        path.with_suffix(".part").replace(path)
        group.leave()
    except BaseException as err:  # the launcher tells it, whatever it is
        return _told(err, doing=doing)
    return {}


def _told(err: BaseException, *, doing: str) -> dict[str, Any]:
    trace = err.__traceback__.tb_next if err.__traceback__ is not None else None
    lines = traceback.format_exception(type(err), err, trace)  # from the function on
    error = {"name": type(err).__name__, "message": str(err), "doing": doing}
    return error | {"traceback": "".join(lines), "time": time.time()}


def _end_with(agent: int) -> None:
    """Ask the kernel to end this process with its agent; Linux only, elsewhere the agent does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != agent:  # it ended before it was asked
            os._exit(1)


if __name__ == "__main__":
    finish(main(Path(sys.argv[1]), agent=int(sys.argv[2])))
