"""One exercise of one submission at work: its cells run behind walls, its cases called one by one.

Every exercise gets a process of its own, in which our setup, the student's extra cells and the
solutions up to its check run once. A process that ends or is stopped in a case costs that case: the
next one gets a fresh process in which the cells run again. A cell that itself ends the process is
left out from then on, in later exercises too. Functions of ours that work on what came back
(`labs.engine.student.apart`) get a further process, without any of this, when one is first called.
Cases are run by `labs.engine.checks`, here, on plain data; what they are worth is decided
elsewhere.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from labs.engine.checks import Case, CaseResult, judge
from labs.engine.errors import SandboxError
from labs.engine.pieces import Piece
from labs.engine.sandbox.desk import CellEnding, StoppedError
from labs.engine.sandbox.limits import Limits
from labs.engine.student import (
    ApartError,
    NotAttemptedError,
    Serve,
    Student,
    StudentError,
    no_callback,
)

MAX_RESTARTS = 2
MAX_FATAL = 20  # cells of a submission that may end their process; each costs a new one
# Limits of one message are the desk's. These, in as many such limits, are for all of an exercise.
CASES_CPU, CASES_WALL = 6, 2
APART = "apart "  # before the name of what stopped a function of ours
OTHERS_CPU = 2  # cells that are not graded here: what a student tried out may take a while
LOOK_EVERY_S = 1.0  # asking for processor time costs a millisecond, a call often less


class DeskLike(Protocol):
    """What a room needs of a desk; see `labs.engine.sandbox.desk.Desk`."""

    @property
    def walls(self) -> tuple[str, ...]:
        """Names of the walls in force."""

    @property
    def is_alive(self) -> bool:
        """Whether the process is there."""

    @property
    def cpu_s(self) -> float:
        """Processor time that all its processes have taken [s]."""

    def run_cell(self, code: str) -> CellEnding:
        """Run one cell."""

    def student(self, *, rank: Callable[[], Student] | None = None) -> Student:
        """Return its functions, with nothing kept from earlier cases."""

    def close(self) -> None:
        """End the process."""


@dataclass(frozen=True)
class Tried:
    """What came of one case.

    Parameters
    ----------
    result
        What the check found.
    stopped
        Name of what ended the process, as `StoppedError` has it, after `APART` if a function of
        ours ran in it; empty if nothing did.
    is_attempted
        False if a function is missing or still the stub.
    is_run
        False if too much had been stopped before.
    """

    result: CaseResult
    stopped: str = ""
    is_attempted: bool = True
    is_run: bool = True


class ExerciseRoom:
    """The process of one exercise, with its replacements, as a context manager.

    Parameters
    ----------
    exercise
        Id of the exercise.
    pieces
        What to run before the first case, in order.
    open_desk
        Opens a process behind walls, with nothing run in it yet.
    open_apart
        The same for functions of ours: nothing is withheld there.
    limits
        Limits of one message; those of the whole exercise follow from them.
    fatal
        Pieces that are left out, with the reason; those that end a process here are added.
    """

    def __init__(
        self,
        exercise: str,
        pieces: Sequence[Piece],
        *,
        open_desk: Callable[[], DeskLike],
        open_apart: Callable[[], DeskLike],
        limits: Limits,
        fatal: dict[Piece, str],
    ) -> None:
        self._exercise = exercise
        self.pieces = tuple(piece for piece in pieces if piece.code.strip())
        self._open_desk, self._open_apart = open_desk, open_apart
        self._limits = limits
        self._fatal = fatal
        self._budget = _Budget(limits)
        self._others = _Others(limits)
        self._desk: DeskLike | None = None
        self._apart_desk: DeskLike | None = None
        self._ranks: list[DeskLike] = []
        self.endings: dict[Piece, CellEnding] = {}
        self.restarts = 0
        self.walls: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self._desk = self._prepared()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for desk in self._open():
            desk.close()

    @property
    def left_out(self) -> Mapping[Piece, str]:
        """The pieces of this exercise that do not run, with the reason."""
        return {piece: self._fatal[piece] for piece in self.pieces if piece in self._fatal}

    @property
    def cpu_s(self) -> float:
        """Processor time of all its processes [s]."""
        return self._budget.cpu_s(self._open())

    def try_case(self, case: Case, *, seed: int) -> Tried:
        """Run one case; whatever student code does, a result comes back."""
        reason = self._refusal()
        if reason:
            failed = CaseResult(case.name, case.sentence, False, f"was not run: {reason}")
            return Tried(failed, is_run=False)
        watch = _Watch(case)
        try:
            outcome = judge([watch.case], self._student, seed=lambda *_: seed, is_shown=False)
        finally:
            self._close_ranks()
        if watch.failure is not None:
            raise watch.failure
        if watch.stopped == "TimeoutError":
            self._charge_stopped()
        return Tried(outcome.cases[0], watch.stopped, watch.is_attempted)

    def _charge_stopped(self) -> None:
        """Count what a stopped process has taken: how much it was is not known any more."""
        self._budget.add(self._limits.cpu_s)

    def _refusal(self) -> str:
        """Make sure that there is a process, or return why there will be none."""
        if self._budget.is_spent(self._open()):
            return "the cases before took too much time"
        if self._desk is not None and self._desk.is_alive:
            return ""
        if self.restarts >= MAX_RESTARTS:
            return f"the code was stopped in {MAX_RESTARTS + 1} cases before"
        self.restarts += 1
        self._close(self._desk)
        self._desk = self._prepared()
        return ""

    def _student(self) -> Student:
        if self._desk is None:  # only outside the with block
            raise RuntimeError("the room is closed")
        return self._functions(self._desk)

    def _rank(self) -> Student:
        """Open a further process with the same functions, for exercises with several ranks."""
        desk = self._prepared()
        self._ranks.append(desk)
        return self._functions(desk)

    def _functions(self, desk: DeskLike) -> Student:
        """Return the functions of a desk, which answer as long as the exercise has time left."""
        student = desk.student()

        def request(message: bytes, serve: Serve) -> bytes:
            self._ask_for_time()
            return student._request(message, serve)

        return Student(request, rank=self._rank, apart=self._apart)

    def _ask_for_time(self) -> None:
        if self._budget.is_spent(self._open()):
            text = "the cases of this exercise took too much time together"
            raise StudentError("the code", "TimeoutError", text)

    def _apart(self, message: bytes) -> bytes:
        """Let a function of ours answer, in a process that no code of the student's has seen."""
        self._ask_for_time()
        if self._apart_desk is None or not self._apart_desk.is_alive:
            self._close(self._apart_desk)
            self._apart_desk = None
            self._apart_desk = self._open_apart()
        try:
            return self._apart_desk.student()._request(message, no_callback)
        except StoppedError as err:
            if err.name == "TimeoutError":  # here, since a check may go on after this
                self._charge_stopped()
            sentence = (
                f"the course's function {err}; what your code gave it must be quicker or smaller"
            )
            raise ApartError(sentence, name=err.name, is_stopped=True) from None

    def _prepared(self) -> DeskLike:
        """Open a process in which every piece has run that does not end it."""
        start_s = time.perf_counter()
        while True:
            desk = self._open_desk()
            self.walls = desk.walls
            if self._run_pieces(desk):
                self._budget.forgive(desk.cpu_s, wall_s=time.perf_counter() - start_s)
                return desk
            self._budget.forgive(desk.cpu_s)
            self._close(desk)

    def _run_pieces(self, desk: DeskLike) -> bool:
        """Run the pieces; return False if one of them ended the process."""
        for piece in self.pieces:
            if piece in self._fatal:
                continue
            # What ran once runs in every process; only a piece that is new is asked for its time.
            is_charged = piece not in self.endings and not self._is_graded(piece)
            if is_charged and len(self._fatal) >= MAX_FATAL:
                self._fatal[piece] = f"{MAX_FATAL} cells before it ended their process"
                continue
            if is_charged and self._others.is_spent():
                self._fatal[piece] = "the cells before it took too much time"
                continue
            is_repeated = piece in self.endings and piece.kind != "given" and self._desk is None
            start_s = time.perf_counter()
            ending = desk.run_cell(piece.code)
            self.endings.setdefault(piece, ending)
            if is_charged:
                self._others.charge(desk, time.perf_counter() - start_s)
            elif is_repeated:  # because a cell further down has ended the process before
                self._others.charge_again(time.perf_counter() - start_s)
            if not ending.is_alive:
                self._fatal[piece] = f"{ending.name}: {ending.message}"
                return False
        return True

    def _is_graded(self, piece: Piece) -> bool:
        return piece.kind == "given" or piece.exercise == self._exercise

    def _open(self) -> list[DeskLike]:
        return [each for each in (self._desk, self._apart_desk, *self._ranks) if each is not None]

    def _close_ranks(self) -> None:
        while self._ranks:
            self._close(self._ranks.pop())

    def _close(self, desk: DeskLike | None) -> None:
        if desk is not None:
            self._budget.add(desk.cpu_s)
            desk.close()


class _Watch:
    """A case that remembers what its result does not tell.

    Code was stopped, or is not there; or the grader itself failed, which no case may hide.
    """

    def __init__(self, case: Case) -> None:
        self.case = dataclasses.replace(case, function=self._run)
        self.stopped = ""
        self.is_attempted = True
        self.failure: SandboxError | None = None
        self._function = case.function

    def _run(self, student: Student, rng: np.random.Generator) -> None:
        try:
            self._function(student, rng)
        except StoppedError as err:
            self.stopped = err.name
            raise
        except ApartError as err:
            self.stopped = APART + err.name if err.is_stopped else ""
            raise
        except SandboxError as err:  # no process could be started in the middle of a case
            self.failure = err
            raise
        except NotAttemptedError as err:
            # For the whole exercise "not attempted" would also take what was right before.
            self.is_attempted = False
            raise AssertionError(str(err)) from err


class _Others:
    """What cells may take together that are not graded in this exercise."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._cpu_s = self._wall_s = self._again_wall_s = 0.0

    def is_spent(self) -> bool:
        """Say whether no further one may run."""
        limits = self._limits
        is_slow = max(self._wall_s, self._again_wall_s) > limits.wall_s
        return self._cpu_s > OTHERS_CPU * limits.cpu_s or is_slow

    def charge(self, desk: DeskLike, wall_s: float) -> None:
        """Count a cell that has run."""
        self._wall_s += wall_s
        if wall_s > LOOK_EVERY_S:
            self._cpu_s = max(self._cpu_s, desk.cpu_s)

    def charge_again(self, wall_s: float) -> None:
        """Count a cell that had to run again because another has ended its process.

        Else one that waits and twenty that end the process take longer than a step may.
        """
        self._again_wall_s += wall_s


class _Budget:
    """What all cases of an exercise may take together, the cells that run before them aside."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._start_s = time.perf_counter()
        self._closed_cpu_s = 0.0
        self._cells_cpu_s = 0.0
        self._cells_wall_s = 0.0
        self._looked_s = self._start_s
        self._is_spent = False

    def add(self, cpu_s: float) -> None:
        """Count a process that is about to close."""
        self._closed_cpu_s += cpu_s

    def forgive(self, cpu_s: float, *, wall_s: float = 0.0) -> None:
        """Leave out what the cells of a process took."""
        self._cells_cpu_s += cpu_s
        self._cells_wall_s += wall_s

    def cpu_s(self, desks: Sequence[DeskLike]) -> float:
        """Return the processor time of all processes so far."""
        return self._closed_cpu_s + sum(desk.cpu_s for desk in desks)

    def is_spent(self, desks: Sequence[DeskLike]) -> bool:
        """Say whether the exercise has had its time; looks at most once in `LOOK_EVERY_S`."""
        now_s = time.perf_counter()
        if not self._is_spent and now_s - self._looked_s > LOOK_EVERY_S:
            self._looked_s = now_s
            cases_cpu_s = self.cpu_s(desks) - self._cells_cpu_s
            cases_wall_s = now_s - self._start_s - self._cells_wall_s
            self._is_spent = (
                cases_cpu_s > CASES_CPU * self._limits.cpu_s
                or cases_wall_s > CASES_WALL * self._limits.wall_s
            )
        return self._is_spent
