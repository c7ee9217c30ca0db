"""How long a call takes against how many rows it is given, and what part of it is the call.

Sizes, or programs, are timed in rounds, each in a new order, so that a busy second hits no single
one; the rounds are the repeats. A call that is too short for the clock is repeated within a sample,
on other rows each time, as a processor learns the way of a row that it sees again and again. A line
through the medians, overhead + rows * work, is fitted by a function that is handed in, a student's
or the given one. Loads and queues are not made here.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils import stats, timing
from course_utils.records import Result
from course_utils.units import format_number

Floats = npt.NDArray[np.float64]
Classify = Callable[[npt.NDArray[Any]], object]
Fit = Callable[[npt.NDArray[np.int64], Floats], tuple[float, float]]
MOST_BATCHES = 64  # different batches of a sample; more are the same again
US_PER_S = 1e6


@dataclass(frozen=True)
class Calls:
    """Times of calls, some a size or a program.

    Parameters
    ----------
    names
        What was called, in order; of sizes, the number of rows as text.
    rows
        Rows of each call.
    samples_s
        (names, repeats), each the mean of ``calls_per_sample`` calls [s].
    calls_per_sample
        One a name.
    """

    names: tuple[str, ...]
    rows: tuple[int, ...]
    samples_s: Floats = field(repr=False)
    calls_per_sample: tuple[int, ...] = field(repr=False)

    @property
    def medians_s(self) -> Floats:
        """(names,), median over the rounds [s]."""
        medians: Floats = np.median(self.samples_s, axis=1)
        return medians

    @property
    def results_us(self) -> list[Result]:
        """Median over the rounds with its interval [us], one a name."""
        return [stats.median_interval(US_PER_S * row).result() for row in self.samples_s]

    def share_us(self, name: str, within: str) -> Result:
        """Return what one takes beyond another [us]: the median of the differences, round by round.

        Parameters
        ----------
        name, within
            Names of the whole, and of a part that it is known to do as well.
        """
        whole, part = (self.samples_s[self.names.index(each)] for each in (name, within))
        return stats.median_interval(US_PER_S * (whole - part)).result()


@dataclass(frozen=True)
class CallCost:
    """A line through the times of calls.

    Parameters
    ----------
    overhead_us, work_us
        Of a call, and of each row [us], with intervals of 95 % over the rounds. They are told as
        they come: with noise, a cost near 0 may come out below it.
    errors
        (sizes,), (told - median) / median of each size: where a line does not tell all.
    """

    overhead_us: Result
    work_us: Result
    errors: Floats = field(repr=False)

    @property
    def worst_error(self) -> float:
        """The largest relative error of a size, without its sign."""
        return float(np.abs(self.errors).max())

    @property
    def usable_s(self) -> tuple[float, float]:
        """Overhead and work [s] for a model of a server, where no time is below 0: cut off there.

        Raises
        ------
        ValueError
            If both would be 0.
        """
        cut = max(0.0, self.overhead_us.value), max(0.0, self.work_us.value)
        if not any(cut):
            raise ValueError("overhead and work are both below 0; measure again, with more repeats")
        return cut[0] / US_PER_S, cut[1] / US_PER_S

    @property
    def even_rows(self) -> float:
        """Rows whose work takes as long as the overhead: batches far smaller are mostly call.

        Infinite if a row adds nothing.
        """
        overhead_s, work_s = self.usable_s
        return overhead_s / work_s if work_s else float("inf")

    def row(self, name: str) -> dict[str, str]:
        """Return the costs as a row of a table, under a name."""
        return {
            "program": name,
            "overhead": self.overhead_us.describe("overhead_us"),
            "a row": self.work_us.describe("work_us"),
            "rows as long as the overhead": format_number(self.even_rows),
            "largest error of the line": f"{self.worst_error:.0%}",
        }


def measure_sizes(
    classify: Classify,
    rows: npt.NDArray[Any],
    *,
    sizes: Sequence[int],
    repeats: int,
    rng: np.random.Generator,
) -> Calls:
    """Return times of calls with these numbers of rows.

    Parameters
    ----------
    classify
        Takes (n, features) and answers when the work is done: a device is awaited inside.
    rows
        (any, features), what batches are drawn from with replacement.
    sizes
        Rows of a call, each >= 1.
    repeats
        Rounds, >= 5.
    rng
        Gives rows and orders.

    Raises
    ------
    ValueError
        If a size is below 1 or there are less than 5 repeats.
    """
    ways = [(f"{size}", classify, size) for size in sizes]
    return _measure(ways, rows, repeats=repeats, rng=rng)


def measure_ways(
    ways: Mapping[str, Classify],
    rows: npt.NDArray[Any],
    *,
    size: int,
    repeats: int,
    rng: np.random.Generator,
) -> Calls:
    """Return times of several programs with the same number of rows.

    Parameters
    ----------
    ways
        Name to callable.
    rows, repeats, rng
        As in `measure_sizes`.
    size
        Rows of a call, >= 1.
    """
    return _measure([(*way, size) for way in ways.items()], rows, repeats=repeats, rng=rng)


def fit_cost(
    calls: Calls, overhead_and_work: Fit, *, rng: np.random.Generator, resamples: int = 1_000
) -> CallCost:
    """Return the line through the medians, with an interval from drawing rounds anew.

    Parameters
    ----------
    calls
        Of at least two sizes.
    overhead_and_work
        As in exercise 6.4.
    rng
        Gives the rounds drawn.
    resamples
        How often they are drawn, >= 1,000 but in tests.
    """
    rows = np.array(calls.rows, dtype=np.int64)
    state = rng.bit_generator.state

    def part(index: int) -> Result:
        def fitted(rounds: Floats) -> float:
            medians = np.median(calls.samples_s[:, rounds.astype(int)], axis=1)
            return US_PER_S * float(overhead_and_work(rows, medians)[index])

        rng.bit_generator.state = state  # the same rounds for both parts
        every = np.arange(calls.samples_s.shape[1])
        return stats.bootstrap_interval(every, fitted, rng=rng, resamples=resamples).result()

    overhead, work = part(0), part(1)
    told_s = (overhead.value + rows * work.value) / US_PER_S
    return CallCost(overhead, work, told_s / calls.medians_s - 1)


def forest_ways(forest: Any) -> dict[str, Classify]:
    """Return four ways to use a fitted forest of scikit-learn, each a part of the one before.

    What lies between two neighbours is what the outer one adds. Only `predict` gives classes; the
    last one walks the trees, compiled, one call of Python each, and leaves the rest away.

    Parameters
    ----------
    forest
        A fitted `RandomForestClassifier` with one output. Rows are float32, as its trees take them.
    """
    trees = [one.tree_ for one in forest.estimators_]

    def tree_by_tree(rows: npt.NDArray[Any]) -> object:
        return sum(one.predict_proba(rows, check_input=False) for one in forest.estimators_)

    def walks(rows: npt.NDArray[Any]) -> None:
        for tree in trees:
            tree.predict(rows)

    return {
        "forest.predict": forest.predict,
        "forest.predict_proba": forest.predict_proba,
        "predict_proba of each tree": tree_by_tree,
        "walks of the trees alone": walks,
    }


def part_rows(calls: Calls) -> list[dict[str, str]]:
    """Return programs, each part of the one before, as rows of a table: times and what each adds.

    Parameters
    ----------
    calls
        Of `measure_ways`, from the whole to its innermost part.
    """
    inner = [*calls.names[1:], None]
    return [
        {
            "what runs": name,
            "time": whole.describe("time_us"),
            "of it beyond the next line": (
                calls.share_us(name, within).describe("beyond_us") if within else "-"
            ),
        }
        for name, whole, within in zip(calls.names, calls.results_us, inner, strict=True)
    ]


def _measure(
    ways: Sequence[tuple[str, Classify, int]],
    rows: npt.NDArray[Any],
    *,
    repeats: int,
    rng: np.random.Generator,
) -> Calls:
    if repeats < stats.FEWEST_UNITS or any(size < 1 for _, _, size in ways):
        sizes = [size for _, _, size in ways]
        raise ValueError(f"repeats {repeats}, sizes {sizes}; give 5 repeats or more, sizes >= 1")
    counts = [
        _calls_per_sample(classify, _draw(rows, size, 1, rng=rng)) for _, classify, size in ways
    ]
    samples_s = np.empty((len(ways), repeats))
    for repeat in range(repeats):
        for place in rng.permutation(len(ways)):
            _, classify, size = ways[place]
            batches = _draw(rows, size, counts[place], rng=rng)
            _elapsed_s(classify, batches[:1], 1)  # what others left in the caches is gone
            samples_s[place, repeat] = _elapsed_s(classify, batches, counts[place])
    samples_s /= np.array(counts)[:, None]
    names, rows_of = tuple(name for name, _, _ in ways), tuple(size for _, _, size in ways)
    return Calls(names, rows_of, samples_s, tuple(counts))


def _draw(
    rows: npt.NDArray[Any], size: int, calls: int, *, rng: np.random.Generator
) -> list[npt.NDArray[Any]]:
    count = min(calls, MOST_BATCHES)
    places = rng.integers(len(rows), size=(count, size))
    return [np.ascontiguousarray(rows[each]) for each in places]


def _calls_per_sample(classify: Classify, batches: Sequence[npt.NDArray[Any]]) -> int:
    """Return as many calls as fill a sample: a power of two."""
    _elapsed_s(classify, batches, 1)
    calls = 1
    while min(_elapsed_s(classify, batches, calls) for _ in range(2)) < timing.MIN_SAMPLE_S:
        calls *= 2
    return calls


def _elapsed_s(classify: Classify, batches: Sequence[npt.NDArray[Any]], calls: int) -> float:
    order = [batches[i % len(batches)] for i in range(calls)]
    start_s = time.perf_counter()
    for batch in order:
        classify(batch)
    return time.perf_counter() - start_s
