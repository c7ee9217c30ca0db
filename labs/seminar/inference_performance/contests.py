"""Programs for one model against each other: batch of 1 with warm and cold caches, and many rows.

All contestants are functions compiled for this machine, and all are called from C (`contest.c`), so
no interpreter is in any time. Each has three times: of one row while program and data are in the
near caches; of one row after 16 MiB of other data went through them; and of one row among many
that one call classifies. Rounds take the contestants in a new order each, so rounds are pairs. A
contestant that answers otherwise than expected is refused. Nothing is compiled or trained here.

Cold means pushed out of the first and second level: a large third level may still hold the program.
"""

import ctypes
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils import stats
from course_utils.records import Result
from labs.engine.errors import LabError
from labs.shared.toolchain import HostLibrary

SOURCE = Path(__file__).with_name("contest.c")
PUSHED_BYTES = 16 * 1024**2
WARM_ROWS, COLD_ROWS = 256, 48
WAYS = ("one row, warm", "one row, cold", "many rows")

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


class WrongAnswerError(LabError):
    """A contestant gave another class than expected; the message names the first row."""


@dataclass(frozen=True, eq=False)
class Contestant:
    """A compiled classifier with the rows that it reads.

    Parameters
    ----------
    name
        For tables and figures.
    classify
        C function ``int (const KEY *row)``.
    classify_many
        C function ``void (const KEY *rows, int n, int *classes)``.
    rows
        (n, features), C order, in the type that the functions read.
    """

    name: str
    classify: Any
    classify_many: Any
    rows: npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Outcome:
    """Times of one contestant.

    Parameters
    ----------
    name
        Of the contestant.
    samples_ns
        Way, one of `WAYS`, to the mean time of a row in each round [ns].
    """

    name: str
    samples_ns: Mapping[str, Floats]

    def result(self, way: str) -> Result:
        """Return the median over the rounds with its interval [ns]."""
        return stats.median_interval(self.samples_ns[way]).result()

    def slower_than(self, other: "Outcome", way: str) -> Result:
        """Return how many times as long this one takes as another, paired by round."""
        return stats.median_interval(self.samples_ns[way] / other.samples_ns[way]).result()


def race(
    contestants: Sequence[Contestant],
    expected: Sequence[int] | npt.NDArray[np.integer[Any]],
    *,
    batch: int = 10_000,
    repeats: int,
    rng: np.random.Generator,
) -> list[Outcome]:
    """Return the times of each contestant, in the order given.

    Parameters
    ----------
    contestants
        With as many rows each as classes are expected.
    expected
        (n,), the class of each row.
    batch
        Rows that one call classifies in the third way; drawn from the n with replacement.
    repeats
        Rounds, >= 6, the fewest that bound a median at 95 %.
    rng
        Draws rows and orders.

    Raises
    ------
    WrongAnswerError
        If any answer is not the expected one.
    ValueError
        If there are too few rounds.
    CompilerError
        If this machine's processor has no known counter of ticks.
    ExtraMissingError
        If there is no compiler.
    """
    if repeats < 6:
        raise ValueError(f"repeats is {repeats}; give at least 6, or medians have no interval")
    wanted = np.asarray(expected, dtype=np.int32)
    samples = {way: np.empty((len(contestants), repeats)) for way in WAYS}
    drawn = rng.integers(0, len(wanted), batch)
    many = [np.ascontiguousarray(one.rows[drawn]) for one in contestants]
    tick_ns = _tick_ns()
    for turn in range(repeats):
        order = rng.integers(0, len(wanted), WARM_ROWS).astype(np.int32)
        for place in rng.permutation(len(contestants)):
            one = contestants[place]
            _row_ns(one, order, wanted)  # program and data are now as near as they can be
            warm = _row_ns(one, order, wanted)
            cold = _row_ns(one, order[:COLD_ROWS], wanted, pushed=PUSHED_BYTES)
            samples[WAYS[0]][place, turn] = tick_ns * warm
            samples[WAYS[1]][place, turn] = tick_ns * cold
            samples[WAYS[2]][place, turn] = _batch_ns(one, many[place], wanted[drawn])
    return [
        Outcome(one.name, {way: samples[way][i] for way in WAYS})
        for i, one in enumerate(contestants)
    ]


def _row_ns(one: Contestant, order: Ints, wanted: Ints, *, pushed: int = 0) -> float:
    """Return the mean ticks of a row, classified one by one.

    Of cold rows the median: an interruption in one of few would spoil the mean.
    """
    classes = np.full(len(order), -1, dtype=np.int32)
    ticks = np.zeros(len(order), dtype=np.uint64)
    _timer()(
        ctypes.cast(one.classify, ctypes.c_void_p),
        one.rows.ctypes.data,
        one.rows.strides[0],
        order.ctypes.data,
        len(order),
        classes.ctypes.data,
        ticks.ctypes.data,
        _space().ctypes.data,
        pushed,
    )
    _check(one, classes, wanted[order])
    return float(np.median(ticks) if pushed else ticks.mean())


def _batch_ns(one: Contestant, rows: npt.NDArray[Any], wanted: Ints) -> float:
    classes = np.full(len(rows), -1, dtype=np.int32)
    start_ns = perf_counter_ns()
    one.classify_many(
        ctypes.c_void_p(rows.ctypes.data), len(rows), ctypes.c_void_p(classes.ctypes.data)
    )
    spent_ns = perf_counter_ns() - start_ns
    _check(one, classes, wanted)
    return spent_ns / len(rows)


def _check(one: Contestant, classes: Ints, wanted: Ints) -> None:
    wrong = np.flatnonzero(classes != wanted)
    if wrong.size:
        first = int(wrong[0])
        raise WrongAnswerError(
            f"{one.name} answers {classes[first]} where {wanted[first]} is expected, and is wrong "
            f"in {wrong.size} of {len(wanted)} rows; a wrong program is not timed"
        )


@functools.cache
def _library() -> ctypes.CDLL:
    return HostLibrary(SOURCE.read_text(encoding="ascii")).functions


def _timer() -> Any:
    function = _library().time_rows
    pointer, whole = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = (pointer, pointer, whole, pointer, whole, *3 * (pointer,), whole)
    function.restype = None
    return function


@functools.cache
def _space() -> npt.NDArray[np.int8]:
    return np.zeros(PUSHED_BYTES, dtype=np.int8)


@functools.cache
def _tick_ns() -> float:
    """Return the length of a tick, from 50 ms of them."""
    now = _library().ticks_now
    now.restype = ctypes.c_uint64
    start_ns, start = perf_counter_ns(), now()
    while perf_counter_ns() - start_ns < 50_000_000:
        pass
    end, end_ns = now(), perf_counter_ns()
    return float((end_ns - start_ns) / (end - start))
