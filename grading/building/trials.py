"""Runs solutions through the checks in a process of its own, many after one another.

Loading checks costs seconds and a solution milliseconds, so one process serves all trials of a lab.
A trial that takes too long or ends the process costs a restart and nothing else. The solutions are
the instructors' own (variants and mutants): this is a time limit, not a sandbox.
"""

import contextlib
import io
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from grading.errors import SourceError
from labs.engine import seeds

START_LIMIT_S = 120.0  # loading the checks imports torch, on a cold disk
MEMORY_HEADROOM_BYTES = 4 * 1024**3
_SEED_KEY = b"seeds of trials, beside the open one"


@dataclass(frozen=True)
class Trial:
    """One solution of one exercise.

    Parameters
    ----------
    exercise
        Id of the exercise.
    setup, solution
        Code that is there before the solution, and the solution.
    withhold
        Dotted names that do not exist while the solution runs.
    seeds
        How many seeds each check runs with; >= 1, the first is the open one.
    """

    exercise: str
    setup: str
    solution: str
    withhold: tuple[str, ...] = ()
    seeds: int = 1


@dataclass(frozen=True)
class Verdict:
    """What came of a trial.

    Parameters
    ----------
    lowest, highest
        Least and greatest share of the points over the seeds, in [0, 1].
    messages
        What the failed cases and the run itself said.
    """

    lowest: float
    highest: float
    messages: tuple[str, ...] = ()


class Bench:
    """Runs trials, as a context manager.

    Parameters
    ----------
    checks
        Files with checks; the cases of an exercise are those of all files, in this order.

    Raises
    ------
    SourceError
        On entry, if the checks do not load.
    """

    def __init__(self, checks: Sequence[Path]) -> None:
        self._checks = tuple(checks)
        self._context = multiprocessing.get_context("spawn")
        self._process: Any = None
        self._connection: Connection | None = None

    def __enter__(self) -> "Bench":
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def run(self, trial: Trial, *, limit_s: float) -> Verdict:
        """Return what comes of a trial; past the limit [s] or after a crash it scores nothing."""
        connection = self._connection or self._start()
        try:
            connection.send(trial)
            if connection.poll(limit_s):
                kind, value = connection.recv()
                if kind == "error":
                    raise SourceError(value)
                return Verdict(*value)
            message = f"takes longer than {limit_s:g} s"
        except (EOFError, ConnectionError):
            message = "ends the process it runs in"
        self._stop()
        return Verdict(0.0, 0.0, (message,))

    def timed(self, trial: Trial, *, limit_s: float) -> tuple[Verdict, float]:
        """Return what comes of a trial and the seconds that it took."""
        start = time.perf_counter()
        verdict = self.run(trial, limit_s=limit_s)
        return verdict, time.perf_counter() - start

    def _start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        paths = [str(path) for path in self._checks]
        self._process = self._context.Process(
            target=_serve, args=(theirs, paths, sys.path), daemon=True
        )
        self._process.start()
        theirs.close()
        self._connection = ours
        try:
            kind, value = ours.recv() if ours.poll(START_LIMIT_S) else ("error", "do not load")
        except EOFError:
            kind, value = "error", "end the process that loads them"
        if kind == "error":
            self._stop()
            raise SourceError(f"the checks in {', '.join(paths)}: {value}")
        return ours

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None


def _serve(connection: Connection, paths: Sequence[str], search_path: Sequence[str]) -> None:
    """Load the checks, then answer trials until the other end closes."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: one thread beats two on toys
    sys.path[:] = search_path
    from labs.engine.checks import load_checks  # noqa: PLC0415 - loads numpy and more
    from labs.engine.errors import LabFormatError  # noqa: PLC0415 - the same

    try:
        loaded = [load_checks(Path(path)) for path in paths]
    except LabFormatError as err:
        connection.send(("error", str(err)))
        return
    _limit_memory()
    connection.send(("ready", None))
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            trial = connection.recv()
            cases = [case for checks in loaded for case in checks.get(trial.exercise, ())]
            try:
                connection.send(("verdict", _judge(trial, cases)))
            except LabFormatError as err:
                connection.send(("error", str(err)))


def _judge(trial: Trial, cases: Sequence[Any]) -> tuple[float, float, tuple[str, ...]]:
    from labs.engine.checks import run_cases  # noqa: PLC0415 - the serving process only

    shares: list[float] = []
    messages: list[str] = []
    for number in range(trial.seeds):
        with _silence():
            try:
                namespace = _namespace(trial)
            except (Exception, SystemExit) as err:
                return 0.0, 0.0, (f"{type(err).__name__}: {err}",)
            try:
                outcome = run_cases(cases, namespace, seed=_seed(number), withhold=trial.withhold)
            except SystemExit as err:
                return 0.0, 0.0, (f"SystemExit: {err}",)
        shares.append(outcome.share)
        messages += [case.message for case in outcome.cases if not case.passed]
        if outcome.status == "not attempted":
            messages.append("not attempted")
    return min(shares), max(shares), tuple(dict.fromkeys(messages))


def _namespace(trial: Trial) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(trial.setup, "setup", "exec"), namespace)  # noqa: S102 - the instructors' code
    exec(compile(trial.solution, "solution", "exec"), namespace)  # noqa: S102 - the same
    return namespace


def _seed(number: int) -> Any:
    def seed(exercise: str, case: str) -> int:
        if number == 0:
            return seeds.open_seed(exercise, case)
        return seeds.secret_seed(_SEED_KEY, str(number), exercise=exercise, case=case)

    return seed


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _limit_memory() -> None:
    """Let a mutant that only ever appends fail with MemoryError rather than take the machine."""
    try:
        import resource  # noqa: PLC0415 - not on Windows

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return
    limit = pages * resource.getpagesize() + MEMORY_HEADROOM_BYTES
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
