"""The load generator with a clock of its own, against the model of a server and plain counting."""

import numpy as np
import pytest

from labs.seminar.inference_performance import given, loadgen
from labs.seminar.inference_performance.loadgen import Library, LoadGen

TICK_S = 1e-8  # what a look at the clock takes


class Clock:
    """Passes when it is looked at, when somebody sleeps, and when a system works."""

    def __init__(self, oversleeps_s: float = 0.0) -> None:
        self.now_s, self.oversleeps_s = 100.0, oversleeps_s

    def __call__(self) -> float:
        self.now_s += TICK_S
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now_s += seconds + self.oversleeps_s


def library(count: int = 40) -> Library:
    rows = np.arange(count, dtype=np.float32)[:, None] * np.ones(3, dtype=np.float32)
    return Library(rows, np.arange(count) % 7)


def system(clock: Clock, *, overhead_s: float = 0.002, work_s: float = 0.001):
    def classify(rows):
        assert rows.flags.c_contiguous
        clock.now_s += overhead_s + work_s * len(rows)
        return rows[:, 0].astype(int) % 7

    return classify


def send_with(clock: Clock, seconds: float = 2.0, seed: int = 3) -> LoadGen:
    return LoadGen(library(), seconds=seconds, seed=seed, clock=clock, sleep=clock.sleep)


@pytest.mark.parametrize("most", [1, 4, 64])
@pytest.mark.parametrize("rate_per_s", [50.0, 250.0, 900.0])
def test_a_server_is_the_one_of_the_exercise(most, rate_per_s):
    clock = Clock()
    run = send_with(clock).server(system(clock), rate_per_s=rate_per_s, most=most)
    want = given.batched_latencies(run.due_s, 0.002, 0.001, most)
    # At most ten looks at the clock a batch, and a queue may hand all of them on.
    assert run.latencies_s == pytest.approx(want, abs=10 * TICK_S * run.n)
    assert sum(run.batches) == run.n
    assert max(run.batches) <= most
    assert run.late_s.max() <= 10 * TICK_S
    assert run.calls_s == pytest.approx(0.002 + 0.001 * np.array(run.batches), abs=10 * TICK_S)


def test_latency_counts_from_the_schedule_not_from_the_call():
    clock = Clock(oversleeps_s=0.004)
    run = send_with(clock).server(system(clock), rate_per_s=20.0, most=1)
    assert run.latencies_s.min() >= 0.003  # what the call itself takes
    # A tester that sleeps for too long answers late, and says how late it was.
    assert run.late_s.max() == pytest.approx(0.004 - loadgen.SPIN_S, abs=1e-6)
    assert run.latencies_s.max() >= 0.003 + 0.0037


def test_streams_send_when_the_one_before_is_answered():
    clock = Clock()
    single = send_with(clock).single_stream(system(clock))
    # The first that would begin after two seconds is not sent: 2 / 0.003 = 666.7.
    assert (single.n, set(single.batches)) == (667, {1})
    assert single.latencies_s == pytest.approx(0.003, abs=10 * TICK_S)
    assert (single.calls_s == single.latencies_s).all()
    multi = send_with(clock).multi_stream(system(clock))
    assert (multi.n, multi.samples, set(multi.batches)) == (200, 1600, {8})
    assert multi.latencies_s == pytest.approx(0.010, abs=10 * TICK_S)
    offline = send_with(clock).offline(system(clock), samples=100)
    assert (offline.n, offline.samples_per_query) == (20, 100)
    assert offline.throughput.value == pytest.approx(100 / 0.102)


def test_even_the_slowest_system_is_asked_often_enough_for_what_is_reported():
    clock = Clock()
    slow = system(clock, overhead_s=7.0)
    assert send_with(clock, seconds=0.1).single_stream(slow).n == 29
    assert send_with(clock, seconds=0.1).server(slow, rate_per_s=0.01, most=2).n == 29
    assert send_with(clock, seconds=0.1).offline(slow, samples=8).n == 5


def test_the_same_seed_sends_the_same_samples_to_every_system():
    def sent(seed):
        clock, seen = Clock(), []
        classify = system(clock)

        def watching(rows):
            seen.append(rows.tolist())
            return classify(rows)

        run = send_with(clock, seconds=0.2, seed=seed).server(watching, rate_per_s=100.0, most=1)
        return seen, run.due_s.tolist()

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)


def test_one_wrong_answer_among_many_is_refused():
    clock = Clock()
    right, asked = system(clock), []

    def errs(rows):
        asked.append(len(rows))
        answer = right(rows)
        return (answer + 1) % 7 if len(asked) == 50 else answer

    with pytest.raises(ValueError, match=r"1 of 667 answers are wrong: sample 46 .*does not count"):
        send_with(clock).single_stream(errs)  # three calls of the warm-up come first
    with pytest.raises(ValueError, match=r"call 0 has 8 rows and answers in the shape \(8, 1\)"):
        send_with(clock).multi_stream(lambda rows: right(rows)[:, None])
    with pytest.raises(ValueError, match="answers are wrong"):
        send_with(clock).server(lambda rows: 0 * right(rows), rate_per_s=100.0, most=3)


def test_what_makes_no_run_is_refused():
    with pytest.raises(ValueError, match="seconds is 0"):
        LoadGen(library(), seconds=0)
    with pytest.raises(ValueError, match="3 rows and 2 classes"):
        Library(np.zeros((3, 1)), np.zeros(2))
    with pytest.raises(ValueError, match="0 rows and 0 classes"):
        Library(np.zeros((0, 1)), np.zeros(0))
    clock = Clock()
    with pytest.raises(ValueError, match="rate_per_s 0"):
        send_with(clock).server(system(clock), rate_per_s=0, most=1)
    with pytest.raises(ValueError, match="samples is 0"):
        send_with(clock).offline(system(clock), samples=0)


def test_arrivals_are_a_poisson_process():
    counts = [
        len(loadgen.poisson_arrivals(200.0, 2.0, rng=np.random.default_rng(seed)))
        for seed in range(400)
    ]
    # Poisson with mean 400: the mean of 400 draws has the standard deviation 1, and the variance
    # one of 400 * sqrt(2 / 399) = 28; five of each.
    assert np.mean(counts) == pytest.approx(400, abs=5)
    assert np.var(counts, ddof=1) == pytest.approx(400, abs=5 * 28.3)


def test_a_run_ends_after_so_many_queries():
    arrivals_s = loadgen.poisson_arrivals(1e9, 10.0, rng=np.random.default_rng(0))
    assert len(arrivals_s) == loadgen.MOST_QUERIES
    assert (np.diff(arrivals_s) >= 0).all()


def test_a_real_clock_waits_for_real():
    classes = np.arange(5)
    real = LoadGen(Library(np.arange(5.0)[:, None], classes), seconds=0.05, seed=0)
    run = real.server(lambda rows: rows[:, 0].astype(int), rate_per_s=400.0, most=4)
    assert run.duration_s >= run.due_s[-1] - run.due_s[0]
    assert (run.latencies_s > 0).all()
    assert (run.late_s >= 0).all()
