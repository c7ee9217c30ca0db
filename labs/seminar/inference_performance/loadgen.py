"""A load generator after MLPerf's: four ways to send queries to a system, in real time.

A system is a callable: rows to classes, one a row, on the host; a device is awaited inside. Tester
and system share one thread, so they never compete for a core, and a server is a loop: whoever is
free looks at the clock, takes the rows that have arrived by schedule, and answers them. How long
the tester itself took is kept for each call. Every answer is compared with the expected one after
the run, and a system that errs is refused: a fast wrong answer is worth nothing.

The samples of a run, and the arrivals of the server scenario, are drawn before it begins, by seed:
every system gets the same. Runs are much shorter than the rules ask for; `runs.Run.reason` says so.
Nothing is judged here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.runs import Floats, Run

Classify = Callable[[npt.NDArray[Any]], npt.ArrayLike]
Answers = list[npt.ArrayLike]
SPIN_S = 200e-6  # waited in a loop: sleeping wakes up late by some 50 us and more
FEWEST_QUERIES = 29  # however slow the system is: fewer support no 90th percentile
FEWEST_BATCHES = 5  # offline, where rates alone count: fewer have no interval
MOST_QUERIES = 100_000  # a run ends there, however fast the system is
POOL = 4_096  # samples drawn before a stream begins; then they repeat
WARM_UP = 3


@dataclass(frozen=True, eq=False)
class Library:
    """Samples and what a right system answers; what LoadGen calls the query sample library.

    Parameters
    ----------
    rows
        (samples, features), whatever the systems take.
    expected
        (samples,), the classes that the reference program gives; not the labels, which no program
        changes its mind about.

    Raises
    ------
    ValueError
        If there is no sample, or their numbers differ.
    """

    rows: npt.NDArray[Any] = field(repr=False)
    expected: npt.NDArray[Any] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what are no pairs."""
        if not 0 < len(self.rows) == len(self.expected):
            raise ValueError(
                f"{len(self.rows)} rows and {len(self.expected)} classes; give one class a row"
            )

    def draw(self, count: int, *, rng: np.random.Generator) -> tuple[Any, Any]:
        """Return rows, side by side in memory, and their classes, drawn with replacement."""
        places = rng.integers(len(self.rows), size=count)
        return np.ascontiguousarray(self.rows[places]), np.asarray(self.expected)[places]


@dataclass(frozen=True, eq=False)
class LoadGen:
    """A tester that sends the same samples to every system.

    Parameters
    ----------
    library
        What is sent.
    seconds
        Length of a run [s], > 0. At least 29 queries are sent (5 offline), at most
        100,000.
    seed
        Gives the samples and the arrivals.
    clock, sleep
        Of the real world, but in tests: seconds that pass, and a wait.

    Raises
    ------
    ValueError
        If the length is not positive.
    """

    library: Library
    seconds: float = 2.0
    seed: int = 0
    clock: Callable[[], float] = field(default=time.perf_counter, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        """Refuse a run without length."""
        if not self.seconds > 0:
            raise ValueError(f"seconds is {self.seconds}; give a length above 0")

    def single_stream(self, classify: Classify) -> Run:
        """Send one sample at a time, the next when the one before is answered.

        Parameters
        ----------
        classify
            The system.

        Raises
        ------
        ValueError
            If any answer is wrong or has another form, with the first such sample; so everywhere.
        """
        return self._stream(classify, "SingleStream", samples=1)

    def multi_stream(self, classify: Classify) -> Run:
        """Send 8 samples at a time, the next when those before are answered."""
        return self._stream(classify, "MultiStream", samples=8)

    def offline(self, classify: Classify, *, samples: int = 4_096) -> Run:
        """Send all samples at once, again and again: one call takes them all.

        Parameters
        ----------
        classify
            The system.
        samples
            Of a query, >= 1; the rules ask for 24,576.
        """
        return self._stream(classify, "Offline", samples=samples)

    def server(
        self, classify: Classify, *, rate_per_s: float, most: int, bound_s: float | None = None
    ) -> Run:
        """Let samples arrive at random; one worker takes all that wait, at most so many.

        Parameters
        ----------
        classify
            The system.
        rate_per_s
            Arrivals a second in the long run, a Poisson process; > 0. If the system cannot keep up,
            the queue grows and the run takes longer.
        most
            Samples of a batch, >= 1.
        bound_s
            What the 99th percentile of the latency is held against [s]; None for nothing.
        """
        if not rate_per_s > 0 or most < 1:
            raise ValueError(f"rate_per_s {rate_per_s}, most {most}; give a rate > 0 and most >= 1")
        rng = np.random.default_rng(self.seed)
        arrivals_s = poisson_arrivals(rate_per_s, self.seconds, rng=rng)
        rows, expected = self.library.draw(len(arrivals_s), rng=rng)
        for size in (1, most):
            _warm_up(classify, np.resize(rows, (size, *rows.shape[1:])))
        answers: Answers = []
        answered_s, late_s, batches = self._serve(
            classify, rows, arrivals_s=arrivals_s, most=most, answers=answers
        )
        check_answers(answers, expected, sizes=batches)
        done_s = np.repeat(answered_s, batches)
        return Run("Server", arrivals_s, done_s, late_s, tuple(batches), most=most, bound_s=bound_s)

    def _serve(
        self,
        classify: Classify,
        rows: npt.NDArray[Any],
        *,
        arrivals_s: Floats,
        most: int,
        answers: Answers,
    ) -> tuple[Floats, Floats, list[int]]:
        """Return when each batch was answered, how late it began [s], and its samples."""
        clock, due_s = self.clock, arrivals_s.tolist()
        answered_s: list[float] = []
        late_s: list[float] = []
        batches: list[int] = []
        first, free_s = 0, 0.0
        start_s = clock()
        while first < len(due_s):
            self._wait_until(start_s + due_s[first])
            now_s = clock() - start_s
            arrived = int(np.searchsorted(arrivals_s, now_s, side="right"))
            last = max(first + 1, min(arrived, first + most))
            batch = rows[first:last]
            began_s = clock() - start_s
            answers.append(classify(batch))
            late_s.append(began_s - max(free_s, due_s[first]))
            free_s = clock() - start_s
            answered_s.append(free_s)
            batches.append(last - first)
            first = last
        return np.array(answered_s), np.array(late_s), batches

    def _stream(self, classify: Classify, scenario: str, *, samples: int) -> Run:
        if samples < 1:
            raise ValueError(f"samples is {samples}; give 1 or more")
        fewest = FEWEST_BATCHES if scenario == "Offline" else FEWEST_QUERIES
        count = max(1, POOL // samples)
        rng = np.random.default_rng(self.seed)
        rows, expected = self.library.draw(count * samples, rng=rng)
        queries = [rows[i * samples : (i + 1) * samples] for i in range(count)]
        _warm_up(classify, queries[0])
        answers: Answers = []
        sent_s: list[float] = []
        answered_s: list[float] = []
        clock = self.clock
        start_s = clock()
        until_s = start_s + self.seconds
        now_s = start_s
        while len(sent_s) < fewest or (now_s < until_s and len(sent_s) < MOST_QUERIES):
            query = queries[len(sent_s) % count]
            sent_s.append(clock())
            answers.append(classify(query))
            now_s = clock()
            answered_s.append(now_s)
        wanted = np.resize(expected, (len(sent_s) * samples,))
        check_answers(answers, wanted, sizes=[samples] * len(sent_s))
        due = np.array(sent_s) - start_s
        done = np.array(answered_s) - start_s
        late_s = due - np.concatenate([[0.0], done[:-1]])
        batches = (samples,) * len(sent_s)
        return Run(scenario, due, done, late_s, batches, samples_per_query=samples)

    def _wait_until(self, due_s: float) -> None:
        """Sleep until shortly before a moment of the clock, then look at the clock until it is."""
        left_s = due_s - self.clock()
        if left_s > SPIN_S:
            self.sleep(left_s - SPIN_S)
        while self.clock() < due_s:
            pass


def poisson_arrivals(rate_per_s: float, seconds: float, *, rng: np.random.Generator) -> Floats:
    """Return the arrivals of a Poisson process within so many seconds, ascending [s].

    At least 29 and at most 100,000 are drawn, whatever the length.

    Parameters
    ----------
    rate_per_s, seconds
        Both > 0.
    rng
        Gives the gaps, which are exponential.

    Examples
    --------
    >>> arrivals_s = poisson_arrivals(100.0, 2.0, rng=np.random.default_rng(0))
    >>> len(arrivals_s), bool(arrivals_s[-1] < 2)
    (174, True)
    """
    mean = rate_per_s * seconds
    # Six standard deviations more than expected: once in 1e9 runs too few would be drawn.
    most = min(MOST_QUERIES, int(mean + 6 * np.sqrt(mean)) + FEWEST_QUERIES)
    arrivals_s = np.cumsum(rng.exponential(1 / rate_per_s, most))
    within = int(np.searchsorted(arrivals_s, seconds))
    arrivals: Floats = arrivals_s[: max(FEWEST_QUERIES, within)]
    return arrivals


def check_answers(answers: Answers, expected: npt.NDArray[Any], *, sizes: list[int]) -> None:
    """Raise a `ValueError` unless every answer is the expected one.

    Parameters
    ----------
    answers
        What the system gave, one a call.
    expected
        (samples,), in the order sent.
    sizes
        Samples of each call.
    """
    found = [np.asarray(answer) for answer in answers]
    for call, (answer, size) in enumerate(zip(found, sizes, strict=True)):
        if answer.shape != (size,):
            raise ValueError(
                f"call {call} has {size} rows and answers in the shape {answer.shape}; a system "
                "gives one class a row"
            )
    wrong = np.flatnonzero(np.concatenate(found) != expected)
    if wrong.size:
        first = int(wrong[0])
        raise ValueError(
            f"{wrong.size} of {len(expected)} answers are wrong: sample {first} was answered "
            f"{np.concatenate(found)[first]}, expected {expected[first]}; the run does not count"
        )


def _warm_up(classify: Classify, rows: npt.NDArray[Any]) -> None:
    for _ in range(WARM_UP):
        classify(rows)
