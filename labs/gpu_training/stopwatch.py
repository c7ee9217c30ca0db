"""What the timing cells need around a clock: a step to time, other programs, results.

`training_step` makes the workload a call without arguments; `busy_cores` has other programs use the
machine meanwhile; `coverage` says how often an interval holds what it promises. How to time a call
is the student's to say, and no function here does it.
"""

import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from course_utils.records import Result
from labs.gpu_training import devices
from labs.gpu_training.workload import Workload, loss_of

Interval = Callable[[Sequence[float]], tuple[float, float, float]]
# The parent's end of the pipe closes with the parent, whatever ends it: no program is left behind.
BURN = """
import sys, threading
def burn():
    while True:
        sum(range(10_000))
threading.Thread(target=burn, daemon=True).start()
print("busy", flush=True)
sys.stdin.read()
"""


def training_step(workload: Workload) -> Callable[[], None]:
    """Return a call that trains one step: forward, backward, optimiser, on one batch for ever.

    On a GPU it comes back before the step is done: nothing in it waits for the device.
    """
    device = devices.local()
    model = workload.model().to(device)
    optimizer = workload.optimizer(model)
    x, y = (part.to(device) for part in workload.batch_of(0))

    def step() -> None:
        optimizer.zero_grad()
        torch.autograd.backward(loss_of(model, x, targets=y))
        optimizer.step()

    return step


@contextmanager
def busy_cores(number: int) -> Iterator[None]:
    """Keep so many other programs busy inside the block, and end them after it."""
    command = [sys.executable, "-I", "-S", "-c", BURN]
    programs: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(number):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            programs.append(subprocess.Popen(command, **pipes))  # type: ignore[call-overload]
        for program in programs:
            if program.stdout is not None:
                program.stdout.readline()  # says that it has begun
        yield
    finally:
        for program in programs:
            program.kill()
            program.communicate()


def result_of(times: Sequence[float], median_interval: Interval, *, scale: float = 1.0) -> Result:
    """Return the median of times and its interval as a measured result.

    Parameters
    ----------
    times
        (n,), independent.
    median_interval
        Gives median, low and high.
    scale
        What all three are multiplied by, to change the unit.
    """
    value, low, high = (scale * float(x) for x in median_interval(times))
    return Result(value, low, high, n=len(times), kind="measured")


def rate_of(times: Result, items: float) -> Result:
    """Return items per second of a duration in ms; the slow end becomes the low one.

    Examples
    --------
    >>> rate_of(Result(20.0, 16.0, 40.0, n=6, kind="measured"), items=100)
    Result(value=5000.0, low=2500.0, high=6250.0, n=6, kind='measured')
    """
    value, low, high = (1e3 * items / ms for ms in (times.value, times.high, times.low))
    return Result(value, low, high, n=times.n, kind=times.kind)


def quotient(a: Result, b: Result) -> Result:
    """Return a / b of two positive results; the interval holds every quotient of their intervals.

    Examples
    --------
    >>> quotient(Result(6.0, 5.0, 8.0, n=9, kind="measured"), Result(2, 2, 4, n=6, kind="measured"))
    Result(value=3.0, low=1.25, high=4.0, n=6, kind='measured')
    """
    return Result(a.value / b.value, a.low / b.high, a.high / b.low, n=min(a.n, b.n), kind=a.kind)


def coverage(
    median_interval: Interval, *, n: int, experiments: int, rng: np.random.Generator
) -> float:
    """Return in what share of simulated experiments the interval holds the true median.

    Each experiment draws n log-normal times, whose true median is 1: skewed, as times are.

    Parameters
    ----------
    median_interval
        From times to median, low and high.
    n, experiments
        Times of an experiment, and how many of these.
    rng
        Draws the times.
    """
    inside = 0
    for times in rng.lognormal(0.0, 0.5, (experiments, n)):
        _, low, high = median_interval([float(t) for t in times])
        inside += low <= 1.0 <= high
    return inside / experiments


def promised(n: int, *, level: float = 0.95) -> float:
    """Return with what probability the interval of n times holds the true median.

    Examples
    --------
    >>> promised(6), promised(9)
    (0.96875, 0.9609375)
    """
    tails = np.cumsum([math.comb(n, k) / 2 ** (n - 1) for k in range(n // 2)])
    return float(1 - tails[tails <= 1 - level][-1])
