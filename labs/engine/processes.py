"""Ending a process together with everything it started.

A kernel lives in a process group of its own, so a signal to the group of the process that started
it would miss it: processes are found by descent. Nothing here starts a process.
"""

import contextlib

import psutil

GONE_WITHIN_S = 5.0


def end_descendants(pid: int, *, and_itself: bool = False) -> float:
    """Kill every process that descends from `pid` and return the CPU time they had used.

    Parameters
    ----------
    pid
        A process that may have ended already.
    and_itself
        Whether to kill `pid` too; its own CPU time does not count.

    Returns
    -------
    float
        User and system time of the descendants and of their ended children [s].
    """
    try:
        itself = psutil.Process(pid)
        below = itself.children(recursive=True)
    except psutil.NoSuchProcess:
        return 0.0
    cpu_s = sum(_cpu_s(process) for process in below)
    ending = [itself, *below] if and_itself else below  # the parent first: it starts no more
    for process in ending:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(below, timeout=GONE_WITHIN_S)
    return cpu_s


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:  # gone between two calls
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
