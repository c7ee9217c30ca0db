"""What a round of 50 clients on digits costs in processor time: ``pytest tests/benchmarks -s``.

Prints the best of some repeats in the steady state, since a busy machine only ever makes code
slower. Against Flower's simulation over Ray it takes minutes and is off by default::

    COURSE_RAY=1 pytest -s tests/benchmarks/test_federated_round.py

That one counts every process of a simulation, subtracts a short run from a long one, so that what
Ray takes to start cancels out, and asserts both figures that the course promises.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator

import psutil
import pytest
import torch

from labs.engine.extras import find_extra
from labs.federated_learning import partitions, tasks
from labs.federated_learning.flower.job import Job, load_of
from labs.federated_learning.flower.simulation import simulate
from labs.federated_learning.local import Local
from labs.federated_learning.loop import Setting, run

CLIENTS, ROUNDS, REPEATS = 50, 10, 5
SHORT, LONG = 5, 45
LOOP_AT_MOST_S, RATIO_AT_LEAST = 0.03, 10.0
LOOK_S = 0.1


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def round_cpu_s(partition: str, alpha: float) -> float:
    """Return the processor time of a round of our loop, the best of some runs [s]."""
    task = tasks.load("digits")
    parts = partitions.deal(task, partition, clients=CLIENTS, alpha=alpha, seed=0)
    run(task, parts, setting=Setting(rounds=2, local=Local()))  # the first rounds prepare
    taken_s = []
    for seed in range(REPEATS):
        start_s = time.process_time()
        history = run(task, parts, setting=Setting(rounds=ROUNDS, local=Local(), seed=seed))
        taken_s.append((time.process_time() - start_s) / ROUNDS)
        assert history.rounds == ROUNDS
    return min(taken_s)


@pytest.mark.parametrize(("partition", "alpha"), [("iid", 1.0), ("dirichlet", 0.3)])
def test_a_round_of_fifty_clients(partition: str, alpha: float) -> None:
    cpu_s = round_cpu_s(partition, alpha)
    print(f"\n{partition}: {cpu_s:.4f} CPU-s a round of {CLIENTS} clients")


@contextlib.contextmanager
def counted() -> Iterator[dict[psutil.Process, float]]:
    """Count the processor time of every process that is started meanwhile, by process [s].

    They are looked at while they live, since who is killed by others than its parent counts nowhere
    else: what a process uses after the last look is missed, the same in a short and a long run.
    """
    used: dict[psutil.Process, float] = {}
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_S):
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    used[process] = times.user + times.system

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield used
    finally:
        is_over.set()
        looking.join()


def simulated_cpu_s(job: Job) -> float:
    """Return the processor time of a simulation, which must be right in every round [s]."""
    task, parts = load_of(job)
    want = run(task, parts, setting=job.setting).accuracy
    with counted() as used:
        found = simulate(job, timeout_s=600)
    assert [round(each, 4) for each in found.accuracy] == [round(each, 4) for each in want]
    return sum(used.values())


@pytest.mark.skipif(os.environ.get("COURSE_RAY") != "1", reason="takes minutes: set COURSE_RAY=1")
@pytest.mark.skipif(
    not find_extra("federated").is_installed, reason="needs Flower: the extra federated"
)
@pytest.mark.xdist_group("flower")
def test_a_round_against_flowers_simulation() -> None:
    short, long = (
        simulated_cpu_s(Job(partition="iid", clients=CLIENTS, rounds=rounds))
        for rounds in (SHORT, LONG)
    )
    ray_s = (long - short) / (LONG - SHORT)
    loop_s = round_cpu_s("iid", 1.0)
    print(f"\nsimulations of {SHORT} and {LONG} rounds: {short:.1f} and {long:.1f} CPU-s")
    print(f"a round of {CLIENTS} clients: loop {loop_s:.4f}, Ray {ray_s:.3f} CPU-s")
    print(f"{ray_s / loop_s:.1f} times")
    assert loop_s <= LOOP_AT_MOST_S
    assert ray_s >= RATIO_AT_LEAST * loop_s
