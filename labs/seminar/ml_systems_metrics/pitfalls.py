"""Eight ways to measure wrongly, each beside the right way on the same work.

Every experiment is repeated, and each repeat gives a wrong and a right number, so that the factor
between them has an interval. Five are timed on this machine. Three draw their times from a
generator, because their point is a tail and a drift that a quiet machine does not have when it is
asked to; their kind is ``modelled``. The tail of pitfall 6 is that of pitfall 5.
"""

import concurrent.futures
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from course_utils import stats
from course_utils.records import Kind, Result

Floats = npt.NDArray[np.float64]
# Above 32 MiB glibc keeps no memory back for the next array.
FRESH_BYTES = 40 * 1024**2
SLOW_SHARE, SLOW_FACTOR = (
    0.02,
    40.0,
)  # one request in fifty misses a cache and takes 40 times as long
TRUE_RATIO = 1.05  # what pitfall 7 has to find: B takes 5 % longer than A
NUMBERS = 2_000


@dataclass(frozen=True)
class Pitfall:
    """A wrong and a right number, repeated.

    Parameters
    ----------
    name
        What was done wrongly.
    wrong, right
        (repeats,), in the same unit, > 0.
    quantity
        What the numbers are, with their unit.
    kind
        ``measured`` or, where times were drawn, ``modelled``.
    """

    name: str
    wrong: Floats
    right: Floats
    quantity: str
    kind: Kind = "measured"

    @property
    def factor(self) -> Result:
        """Wrong over right: median over repeats with its interval [1]."""
        return stats.median_interval(self.wrong / self.right).result(self.kind)

    def row(self) -> dict[str, str]:
        """Return what a reader wants to know, heading to text."""
        wrong, right = (stats.median_interval(x).result().describe("") for x in self._both)
        return {
            "pitfall": self.name,
            "quantity": self.quantity,
            "wrong": wrong,
            "right": right,
            "wrong / right": self.factor.describe(""),
            "kind": self.kind,
        }

    @property
    def _both(self) -> tuple[Floats, Floats]:
        return self.wrong, self.right


def all_pitfalls(*, repeats: int, rng: np.random.Generator) -> list[Pitfall]:
    """Return the eight pitfalls, each repeated so often.

    Parameters
    ----------
    repeats
        Pairs of a wrong and a right number, >= 6.
    rng
        Gives drawn times and inputs.

    Raises
    ------
    ValueError
        If `repeats` is below 6, the fewest that support an interval of 95 %.
    """
    if repeats < 6:
        raise ValueError(f"repeats is {repeats}; give at least 6, or medians have no interval")
    experiments = (
        no_warm_up,
        not_awaited,
        cached_answer,
        call_overhead,
        mean_of_a_tail,
        few_samples,
        blocks_on_a_drift,
        clock_in_the_way,
    )
    return [experiment(repeats=repeats, rng=rng) for experiment in experiments]


def no_warm_up(*, repeats: int, rng: np.random.Generator) -> Pitfall:
    """Time the first write to fresh memory, which also makes the system hand the pages out.

    Parameters
    ----------
    repeats, rng
        As in `all_pitfalls`; nothing is drawn.
    """
    del rng
    wrong, right = [], []
    for _ in range(repeats):
        fresh = np.empty(FRESH_BYTES // 8)
        first, *later = (_elapsed_us(functools.partial(fresh.fill, 1.0)) for _ in range(4))
        wrong.append(first)
        right.append(float(np.median(later)))
    return _pitfall("no warm-up", wrong, right, quantity="filling 40 MiB [us]")


def not_awaited(*, repeats: int, rng: np.random.Generator) -> Pitfall:
    """Stop the clock when work was given away, not when it was done.

    On a GPU that is every call; without one, a thread takes its place.

    Parameters
    ----------
    repeats, rng
        As in `all_pitfalls`; nothing is drawn.
    """
    del rng
    is_cuda = torch.cuda.is_available()
    matrix = torch.ones(384, 384, device="cuda" if is_cuda else "cpu")
    wrong, right = [], []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for _ in range(repeats + 1):
            start_ns = time.perf_counter_ns()
            if is_cuda:
                torch.mm(matrix, matrix)
                given_ns = time.perf_counter_ns()
                torch.cuda.synchronize()
            else:
                future = pool.submit(torch.mm, matrix, matrix)
                given_ns = time.perf_counter_ns()
                future.result()
            wrong.append((given_ns - start_ns) / 1e3)
            right.append((time.perf_counter_ns() - start_ns) / 1e3)
    where = "GPU" if is_cuda else "thread"
    quantity = f"a matrix product on a {where} [us]"
    return _pitfall("not awaited", wrong[1:], right[1:], quantity=quantity)


def cached_answer(*, repeats: int, rng: np.random.Generator) -> Pitfall:
    """Give the same input again and again to a program that remembers its answers.

    Parameters
    ----------
    repeats, rng
        As in `all_pitfalls`; the generator draws the inputs.
    """

    @functools.cache
    def answer(numbers: tuple[float, ...]) -> float:
        return sum(x * x for x in numbers)

    inputs = [tuple(row.tolist()) for row in rng.random((repeats, NUMBERS))]
    same = inputs[0]
    answer(same)
    wrong = [_elapsed_us(functools.partial(answer, same)) for _ in inputs]
    answer.cache_clear()
    right = [_elapsed_us(functools.partial(answer, each)) for each in inputs]
    return _pitfall("same input, cached", wrong, right, quantity="2,000 squares [us]")


def call_overhead(*, repeats: int, rng: np.random.Generator) -> Pitfall:
    """Time an addition by calling a library for one number, and by calling it for many.

    Parameters
    ----------
    repeats, rng
        As in `all_pitfalls`; the generator draws the numbers.
    """
    many, one = rng.random(NUMBERS), rng.random(1)

    def one_by_one() -> None:
        for _ in range(NUMBERS):
            np.add(one, one)

    for call in (one_by_one, functools.partial(np.add, many, many)):
        call()
    wrong = [1e3 * _elapsed_us(one_by_one) / NUMBERS for _ in range(repeats)]
    at_once = functools.partial(np.add, many, many)
    right = [1e3 * _elapsed_us(at_once, calls=20) / NUMBERS for _ in range(repeats)]
    return _pitfall("call overhead", wrong, right, quantity="one addition [ns]")


def mean_of_a_tail(*, repeats: int, rng: np.random.Generator) -> Pitfall:
    """Report the mean as the typical request, where two in a hundred are slow.

    Parameters
    ----------
    repeats, rng
        As in `all_pitfalls`; the generator draws the times.
    """
    times_us = skewed_times_us((repeats, 2000), rng=rng)
    wrong, right = times_us.mean(axis=1), np.median(times_us, axis=1)
    what = "a typical request [us]"
    return Pitfall("mean of a long tail", wrong, right, what, "modelled")


def few_samples(*, repeats: int, rng: np.random.Generator) -> Pitfall:
    """Report the largest of 20 samples as the 99th percentile.

    Parameters
    ----------
    repeats, rng
        As in `all_pitfalls`; the generator draws the times.
    """
    times_us = skewed_times_us((repeats, 2000), rng=rng)
    wrong, right = times_us[:, :20].max(axis=1), np.quantile(times_us, 0.99, axis=1)
    return Pitfall("p99 of 20 samples", wrong, right, "p99 of requests [us]", "modelled")


def blocks_on_a_drift(*, repeats: int, rng: np.random.Generator) -> Pitfall:
    """Time all of A and then all of B while the machine warms up, and not A and B in turn.

    B really takes 5 % longer. The numbers are the errors of the ratio found.

    Parameters
    ----------
    repeats, rng
        As in `all_pitfalls`; the generator draws noise and drift.
    """
    pairs = 40
    wrong: list[float] = []
    right: list[float] = []
    for _ in range(repeats):
        drift = 1 + rng.uniform(0.1, 0.3) * np.linspace(0, 1, 2 * pairs)
        noise = rng.lognormal(0, 0.02, 2 * pairs)
        is_b = np.repeat([False, True], pairs)
        in_turn = np.tile([False, True], pairs)
        for order, errors in ((is_b, wrong), (in_turn, right)):
            times = np.where(order, TRUE_RATIO, 1.0) * drift * noise
            found = np.median(times[order]) / np.median(times[~order])
            errors.append(abs(float(found) - TRUE_RATIO))
    what = "error of B / A [1]"
    return _pitfall("A first, then B", wrong, right, quantity=what, kind="modelled")


def clock_in_the_way(*, repeats: int, rng: np.random.Generator) -> Pitfall:
    """Read the clock around one call of some nanoseconds, and around ten thousand.

    Parameters
    ----------
    repeats, rng
        As in `all_pitfalls`; nothing is drawn.
    """
    del rng
    nothing = (1,).__len__
    wrong = [1e3 * _elapsed_us(nothing) for _ in range(repeats + 1)][1:]
    right = [1e3 * _elapsed_us(nothing, calls=10_000) for _ in range(repeats)]
    return _pitfall("clock in the way", wrong, right, quantity="length of a tuple [ns]")


def skewed_times_us(shape: tuple[int, ...], *, rng: np.random.Generator) -> Floats:
    """Return times of requests, of which two in a hundred miss a cache and take 40 times as long.

    Parameters
    ----------
    shape
        Of the result.
    rng
        Draws them.

    Examples
    --------
    >>> times_us = skewed_times_us((10_000,), rng=np.random.default_rng(0))
    >>> bool(0.01 < np.mean(times_us > 1_000) < 0.03)
    True
    """
    usual_us = rng.lognormal(np.log(100.0), 0.1, shape)
    slow = rng.random(shape) < SLOW_SHARE
    return np.where(slow, SLOW_FACTOR, 1.0) * usual_us


def _elapsed_us(call: Callable[[], object], *, calls: int = 1) -> float:
    """Return the time of one call; the loop around several is part of it."""
    start_ns = time.perf_counter_ns()
    for _ in range(calls):
        call()
    return max(1, time.perf_counter_ns() - start_ns) / 1e3 / calls


def _pitfall(
    name: str, wrong: list[float], right: list[float], *, quantity: str, kind: Kind = "measured"
) -> Pitfall:
    return Pitfall(name, np.array(wrong), np.array(right), quantity, kind)
