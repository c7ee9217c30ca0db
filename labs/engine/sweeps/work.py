"""Carries out the runs of a sweep's folder that are not over yet.

Which runs there are stands in the folder, and what carries them out is an executor: here it is
only decided which of them are still to be done. Nothing is printed, and no table is written.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from labs.engine.errors import RunError
from labs.engine.runner import Plan
from labs.engine.sweeps.executors import Ended, Executor, Job, Watch
from labs.engine.sweeps.folder import Run, State, SweepFolder
from labs.engine.sweeps.identity import origin_of


@dataclass(frozen=True)
class Options:
    """Which runs to do, and how long they may take.

    Parameters
    ----------
    retry
        Do those again that failed.
    timeout_s
        After which a run is ended as failed [s]; none without it.
    only
        Names of the runs to do, if not all; the others do not count.
    """

    retry: bool = False
    timeout_s: float | None = None
    only: Collection[str] | None = None


@dataclass(frozen=True)
class Tally:
    """How many runs came to what.

    Parameters
    ----------
    done, failed
        Those that ended now, well or not.
    skipped
        Those that were over already.
    """

    done: int
    failed: int
    skipped: int


def carry_out(
    folder: SweepFolder,
    plan: Plan,
    *,
    executor: Executor,
    options: Options,
    watch: Watch,
    ended: Callable[[Ended], None],
) -> Tally:
    """Do the runs of a folder that are not over, in the order in which they were asked for.

    Ctrl-C, or any other exception, ends the runs in flight; they are done again the next time.

    Parameters
    ----------
    folder
        Claimed by the caller; asked for with a number of threads.
    plan
        What all runs have in common.
    executor
        Entered by the caller.
    options
        Which of the runs.
    watch
        Hears of the runs in flight, from any thread.
    ended
        Hears of each run that is over, one by one.

    Raises
    ------
    RunError
        If runs cannot be carried out at all, or the notebook or a module of it was changed
        meanwhile; runs that are over stay.
    """
    only = folder.current if options.only is None else frozenset(options.only)
    chosen = [run for run in folder.current.values() if run.id in only]
    waiting = [run for run in chosen if _is_to_do(folder.state(run.id), retry=options.retry)]
    jobs = _jobs(folder, plan, waiting, timeout_s=options.timeout_s)
    statuses: Counter[str] = Counter()
    with contextlib.closing(executor.run(jobs, watch=watch)) as running:
        for each in running:
            statuses[each.record["status"]] += 1
            ended(each)
    return Tally(statuses["ok"], statuses["failed"], skipped=len(chosen) - len(waiting))


def _is_to_do(state: State, *, retry: bool) -> bool:
    return state in ("waiting", "interrupted") or (retry and state == "failed")


def _jobs(
    folder: SweepFolder, plan: Plan, runs: Sequence[Run], *, timeout_s: float | None
) -> Iterator[Job]:
    """Yield a job for each run, when the executor has a place for it."""
    threads = folder.asking.threads
    for run in runs:
        if origin_of(plan, threads=threads).name != run.origin:  # its name would not be true
            raise RunError(
                f"{plan.name} or a module of it was changed while the sweep ran, which has ended; "
                "runs that are over are kept; give the same command again for the changed one"
            )
        place = folder.begin(run.id)
        yield Job(run.id, plan.varied(run.parameters), place, threads, timeout_s)
