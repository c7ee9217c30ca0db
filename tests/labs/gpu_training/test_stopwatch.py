"""A step to time, programs that end, and how often an interval holds the median."""

import contextlib
import subprocess
from typing import Any

import numpy as np
import pytest
import torch
from scipy import special

from course_utils.records import Result
from labs.gpu_training import stopwatch
from labs.gpu_training.given.timing import median_interval
from labs.gpu_training.strategies import single
from labs.gpu_training.workload import Workload


def test_a_step_is_the_first_of_the_same_training(monkeypatch: pytest.MonkeyPatch) -> None:
    workload = Workload(batch=2, steps=1)
    kept: list[torch.nn.Module] = []
    build = Workload.model
    monkeypatch.setattr(Workload, "model", lambda self: kept.append(build(self)) or kept[-1])
    step = stopwatch.training_step(workload)
    step()
    trained = {name: p.detach().cpu().numpy() for name, p in kept[0].named_parameters()}
    wanted = single.train(workload)["weights"]
    for name, weights in wanted.items():
        np.testing.assert_array_equal(trained[name], weights)


def test_busy_programs_run_in_the_block_and_are_gone_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def watched(*args: Any, **kwargs: Any) -> subprocess.Popen[bytes]:
        started.append(start(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr(stopwatch.subprocess, "Popen", watched)
    with contextlib.suppress(KeyError), stopwatch.busy_cores(2):
        assert [program.poll() for program in started] == [None, None]
        raise KeyError
    assert all(program.returncode is not None for program in started)


def test_a_result_is_scaled_and_a_rate_turns_its_interval_round() -> None:
    found = stopwatch.result_of([0.5, 0.25, 1.0] * 3, median_interval, scale=1e3)
    assert found == Result(500.0, 250.0, 1000.0, n=9, kind="measured")
    rate = stopwatch.rate_of(found, items=10)
    assert (rate.value, rate.low, rate.high, rate.n) == (20.0, 10.0, 40.0, 9)


@pytest.mark.parametrize("n", [6, 9, 20, 101])
def test_what_is_promised_is_the_binomial_probability(n: int) -> None:
    rank = max(i for i in range(n) if 2 * special.bdtr(i, n, 0.5) <= 0.05)
    assert stopwatch.promised(n) == pytest.approx(1 - 2 * special.bdtr(rank, n, 0.5), abs=1e-12)


def test_intervals_hold_the_median_as_often_as_promised() -> None:
    rng = np.random.default_rng(5)
    share = stopwatch.coverage(median_interval, n=9, experiments=2000, rng=rng)
    # A count of 2,000 trials: 5 standard deviations of the binomial.
    promised = stopwatch.promised(9)
    assert abs(share - promised) < 5 * (promised * (1 - promised) / 2000) ** 0.5
    narrow = stopwatch.coverage(lambda t: (1.0, min(t), min(t)), n=9, experiments=50, rng=rng)
    assert narrow == 0.0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_a_step_returns_before_it_is_done() -> None:
    step = stopwatch.training_step(Workload(size="medium", batch=32))
    for _ in range(3):
        step()
    torch.cuda.synchronize()
    done = torch.cuda.Event()
    for _ in range(8):
        step()
    done.record()
    assert not done.query()
    torch.cuda.synchronize()
    assert done.query()
