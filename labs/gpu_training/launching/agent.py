"""torchrun's own agent in a process of its own: starts the ranks, watches them, says who failed.

Started as ``python -m labs.gpu_training.launching.agent FOLDER``; reads ``agent.json`` there and
writes ``outcome.json``. Ranks on GPUs are new programs, as under torchrun. Where there is no GPU to
share, Linux copies this process for each rank: torch is loaded once instead of once a rank, which
is half the time of a launch. When its standard input closes, the launcher is gone: it ends its
ranks and removes the folder. It does not read what the ranks wrote.
"""

import json
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from labs.gpu_training.launching import rank

RANK = "labs.gpu_training.launching.rank"
_CHUNK = 1024


def main(folder: Path) -> int:
    """Run the ranks of a folder's job and write how they ended.

    Parameters
    ----------
    folder
        With ``agent.json``: ``world_size``, ``backend``, ``port`` and ``run_id``.

    Returns
    -------
    int
        0 if every rank ended well, else 1.
    """
    logging.disable(logging.ERROR)  # to write one down, torch would load its compiler
    is_alone = threading.Event()
    ending = threading.Thread(target=_end_with_launcher, args=[folder, is_alone], daemon=True)
    ending.start()
    task = json.loads((folder / "agent.json").read_text(encoding="utf-8"))
    failures: dict[int, int] = {}
    try:
        if sys.platform == "linux" and task["backend"] != "nccl":
            elastic_launch(_config(task, folder), _copy)(str(folder))
        else:
            start = elastic_launch(_config(task, folder), sys.executable)
            start("-u", "-m", RANK, str(folder), str(os.getpid()))
    except ChildFailedError as err:
        codes = {number: each.exitcode for number, each in err.failures.items()}
        failures = _by_themselves(codes) | _ended(folder, range(task["world_size"]))
    finally:
        if is_alone.is_set():  # torch may well stumble over ranks that are gone: let it
            ending.join()
    (folder / "outcome.json").write_text(json.dumps(failures), encoding="utf-8")
    return 1 if failures else 0


def _copy(folder: str) -> None:
    """Be a rank: a second copy works, and this one notes how it ended.

    The agent looks at its ranks now and then and hears of one failure alone, mostly that of a rank
    which lost the one that was killed.
    """
    me = os.getpid()
    if (worker := os.fork()) == 0:
        _forget_agent()
        rank.finish(rank.main(Path(folder), agent=me))

    def end(*_: object) -> None:
        # A rank that failed before is still noted: it may be why the agent ends all. Any other has
        # nothing to tell, and ends with this process.
        ended = os.waitid(os.P_PID, worker, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None or not ended.si_status:
            os._exit(1)

    signal.signal(signal.SIGTERM, end)
    ended = os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
    if ended is not None and ended.si_status:
        code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        path = Path(folder, f"ended-{os.environ['RANK']}.json")
        path.with_suffix(".part").write_text(json.dumps(code), encoding="utf-8")
        path.with_suffix(".part").replace(path)
        os._exit(1)


def _forget_agent() -> None:
    """Undo in a copy what the agent set for itself: no notes, and signals as exceptions."""
    logging.disable(logging.NOTSET)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(each, signal.SIG_DFL)


def _by_themselves(codes: dict[int, int]) -> dict[int, int]:
    """Leave out the ranks that the agent ended, which it does by SIGTERM once one has failed."""
    return {rank: code for rank, code in codes.items() if code != -signal.SIGTERM} or codes


def _ended(folder: Path, ranks: Iterable[int]) -> dict[int, int]:
    paths = {each: folder / f"ended-{each}.json" for each in ranks}
    return {each: json.loads(path.read_text()) for each, path in paths.items() if path.exists()}


def _config(task: dict[str, Any], folder: Path) -> LaunchConfig:
    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=task["world_size"],
        rdzv_backend="c10d",
        rdzv_endpoint=f"localhost:{task['port']}",
        run_id=task["run_id"],
        max_restarts=0,
        monitor_interval=0.05,
        start_method="fork",  # of those that are copies
        local_addr="localhost",  # a host name that does not resolve would cost a minute
        logs_specs=DefaultLogsSpecs(log_dir=str(folder / "logs"), redirects=Std.ALL),
    )


def _end_with_launcher(folder: Path, is_alone: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), _CHUNK):  # a buffer would hold a lock, which copies inherit
        pass
    from labs.engine.processes import end_descendants  # noqa: PLC0415 - hardly ever needed

    is_alone.set()
    end_descendants(os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)  # the main thread waits in torch and would not hear an exception


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
