"""The order to carry out a sweep, and the claim on a folder that holds its runs.

Runs that are to join others in a folder must have the rest in common with them: notebook, preset,
parameters that are the same in all runs, threads. Nothing is run here.
"""

import contextlib
import os
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from course_utils.carbon import GridIntensity
from course_utils.units import GI
from labs.engine.errors import UsageError
from labs.engine.sweeps.design import Design, check_same_plan
from labs.engine.sweeps.folder import (
    Asking,
    Purpose,
    SweepFolder,
    find_folder,
    open_folder,
    read_folder,
)
from labs.engine.sweeps.identity import Origin, origin_of
from labs.engine.sweeps.settings import SEED

SMALLEST = "smallest"
MEMORY_A_RUN_BYTES = 2 * GI  # a kernel with torch and data, and its papermill


@dataclass(frozen=True)
class Order:
    """How a sweep is to be carried out.

    Parameters
    ----------
    design
        Its runs.
    command
        The line that asks for it.
    results
        Names of the results that matter most.
    threads
        Of each kernel; those of the folder, else what `usual_threads` says, without it.
    retry
        Whether to do failed runs again.
    timeout_s
        After which a run is ended as failed [s].
    is_forecast
        Whether to stop after the first runs.
    grid
        Whose electricity a forecast takes; none is made without it.
    select
        The result to select a setting by, and `SMALLEST` or nothing; empty if none is selected.
    """

    design: Design
    command: str = ""
    results: tuple[str, ...] = ()
    threads: int | None = None
    retry: bool = False
    timeout_s: float | None = None
    is_forecast: bool = False
    grid: GridIntensity | None = None
    select: tuple[str, str] | tuple[()] = ()


def usual_jobs() -> int:
    """Return how many runs to do at once here: one a core, as far as there is memory for them."""
    by_memory = psutil.virtual_memory().total // MEMORY_A_RUN_BYTES
    return max(1, min(_cores(), by_memory))


def usual_threads(jobs: int) -> int:
    """Return how many threads a kernel gets: OMP_NUM_THREADS, else its share of the cores.

    Parameters
    ----------
    jobs
        Runs at once.
    """
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and int(said) else max(1, _cores() // jobs)


def check_selectable(design: Design) -> None:
    """Refuse a selection that cannot be, before anything runs.

    Parameters
    ----------
    design
        Of the sweep to select from.

    Raises
    ------
    UsageError
        If the notebook has no seed, or there is only one setting.
    """
    if SEED not in design.plan.parameters:
        raise UsageError(
            f"--select runs a setting again with fresh seeds, and {design.plan.name} has no "
            f"parameter {SEED}; add one, or leave out --select"
        )
    settings = [{**each, SEED: None} for each in design.settings]
    if all(each == settings[0] for each in settings):
        raise UsageError("--select needs two settings at least; vary a parameter with -g")


def look(path: Path, order: Order, *, jobs: int) -> SweepFolder:
    """Return the folder as it will be when the runs are asked for; nothing is written.

    Parameters
    ----------
    path
        Of the folder, there or not.
    order
        What to do.
    jobs
        Runs at once.

    Raises
    ------
    UsageError
        If it holds something else, or runs that have less in common.
    """
    folder = find_folder(path, target=order.design.plan.name)
    asking, origin = _asking(folder, order, jobs)
    runs = {run.id: run for run in order.design.runs(origin)}
    folder.withdraw(_open(folder, besides=runs))
    return SweepFolder(path, target=folder.target, asked=runs | folder.asked, asking=asking)


@contextlib.contextmanager
def claim(path: Path, order: Order, *, jobs: int) -> Iterator[SweepFolder]:
    """Ask for the runs in a folder, and keep other sweeps out of it for the length of a block.

    Runs of an earlier sweep that are over stay; those that are not are no longer asked for.

    Parameters
    ----------
    path
        Of the folder.
    order
        What to do.
    jobs
        Runs at once.

    Raises
    ------
    UsageError
        As for `look`, or if another sweep works there.
    RunError
        If it cannot be written.
    """
    target = order.design.plan.name
    with open_folder(path, target=target).claimed():
        folder = read_folder(path)  # as the sweep before, which has just ended, has left it
        asking, origin = _asking(folder, order, jobs)
        runs = order.design.runs(origin)
        folder.withdraw(_open(folder, besides={run.id for run in runs}))
        folder.ask(runs, asking)
        yield folder


def to_do(folder: SweepFolder, *, retry: bool, purpose: Purpose = "asked") -> list[str]:
    """Return the names of the runs that are not over, in order.

    Parameters
    ----------
    folder
        Of the sweep.
    retry
        Whether failed ones count as not over.
    purpose
        Of the runs.
    """
    over = ("ok",) if retry else ("ok", "failed")
    chosen = [run.id for run in folder.current.values() if run.purpose == purpose]
    return [each for each in chosen if folder.state(each) not in over]


def _open(folder: SweepFolder, *, besides: Collection[str]) -> list[str]:
    """Return the names of the runs that are not over and that nobody asks for any more."""
    return [
        each
        for each in folder.asked
        if each not in besides and folder.state(each) not in ("ok", "failed")
    ]


def _asking(folder: SweepFolder, order: Order, jobs: int) -> tuple[Asking, Origin]:
    """Return how the runs are asked for, or refuse to mix them with those that are there."""
    before = folder.asking.threads
    if before and order.threads not in (None, before):
        raise UsageError(
            f"the runs in {folder.path} have {before} threads each, and with {order.threads} they "
            "would be other runs: their numbers differ; leave out --threads, or give -o another "
            "folder"
        )
    threads = before or order.threads or usual_threads(jobs)
    design = order.design
    origin = origin_of(design.plan, threads=threads)
    check_same_plan(folder, design.plan, origin=origin)
    asking = Asking(
        command=order.command,
        study=design.study.name if design.study else "",
        preset=design.plan.preset or "",
        results=order.results,
        threads=threads,
        origin=origin.name,
        origins={origin.name: asdict(origin)},
    )
    return asking, origin


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: a container may own fewer than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
