"""What carries out the runs of a sweep: on this machine, or on a cluster.

A sweep gives an executor its jobs one by one, as places get free, and hears of each when it is
over. An executor knows nothing of settings, tables or figures.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from labs.engine.runner import Plan

# Called when a run begins, with 0 and 0, and with number and count whenever a code cell starts;
# from any thread.
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Job:
    """One run to do.

    Parameters
    ----------
    run_id
        Its name.
    plan
        What to run.
    place
        Its folder, empty: the executor puts notebook, record and log there, the record last.
    threads
        Of the kernel's arithmetic.
    timeout_s
        After which it is ended as failed [s], and what it had done is kept; none without it.
    """

    run_id: str
    plan: Plan
    place: Path
    threads: int
    timeout_s: float | None = None


@dataclass(frozen=True)
class Ended:
    """A run that is over; its record lies in its place.

    Parameters
    ----------
    run_id
        Its name.
    record
        As `labs.engine.runner.execute` returns it.
    """

    run_id: str
    record: Mapping[str, Any]


class Executor(Protocol):
    """Carries out jobs, as a context manager; leaving it leaves no process of its own behind.

    A process that a cell started in a session of its own and let go may outlive its run.
    `slots` is the number of runs at once.
    """

    slots: int

    def __enter__(self) -> Self:
        """Get ready."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what still runs, and record nothing of it."""

    def run(self, jobs: Iterable[Job], *, watch: Watch) -> Generator[Ended, None, None]:
        """Carry out jobs and yield each when it is over, in the order in which they end.

        A job is taken only when there is a place for it. Closing the generator, as Ctrl-C does,
        ends the runs in flight: nothing of them is recorded.

        Parameters
        ----------
        jobs
            Are taken one by one.
        watch
            Hears of the runs in flight.

        Raises
        ------
        RunError
            If runs cannot be carried out at all: a full disk, no worker. Those that are over stay.
        """
