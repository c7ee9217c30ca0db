"""Settings of a server, and how much load each bears until it misses an objective.

As in the server scenario of MLPerf inference the rate of Poisson arrivals rises until a percentile
of a latency crosses its bound. All rates see the same users (`loads.poisson`), so settings differ
by what they are and not by luck. The runs are simulated from measured step times.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from course_utils import stats
from course_utils.records import Result
from labs.seminar.inference_serving.loads import Lengths, poisson
from labs.seminar.inference_serving.server import Capacity, Keep, Log, Policy, serve
from labs.seminar.inference_serving.step_times import StepTimes
from labs.seminar.inference_serving.workers import SimulatedWorker

Measure = Callable[[Log], float]
HALVINGS = 7


@dataclass(frozen=True)
class Users:
    """Who comes, but for how fast.

    Parameters
    ----------
    number
        Requests of a run.
    lengths
        What they read and write.
    seeds
        One run each.
    """

    number: int
    lengths: Lengths
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Setting:
    """A server as one may configure it.

    Parameters
    ----------
    policy
        Who comes in.
    capacity
        What it may hold.
    keep
        Who is turned away, as `server.serve` takes it; nobody without.
    objective_ms
        Longest time to the first token that `keep` is told.
    """

    policy: Policy
    capacity: Capacity
    keep: Keep | None = None
    objective_ms: float = float("inf")


def simulate(times: StepTimes, setting: Setting, *, users: Users, rate_per_s: float) -> list[Log]:
    """Return the log of one simulated run a seed.

    Parameters
    ----------
    times
        Measured step times, with their spread.
    setting
        The server.
    users
        Who comes.
    rate_per_s
        How fast they come.
    """
    logs = []
    for seed in users.seeds:
        load = poisson(rate_per_s, users.number, lengths=users.lengths, seed=seed)
        worker = SimulatedWorker(times, seed=seed)
        how = {"keep": setting.keep, "objective_ms": setting.objective_ms}
        logs.append(serve(load, setting.policy, worker=worker, capacity=setting.capacity, **how))  # type: ignore[arg-type]  # by name
    return logs


def over_seeds(values: Sequence[float]) -> Result:
    """Return the mean of one value a seed with its interval; modelled, as the runs are simulated.

    Rates and shares are never below 0, so the interval ends there.

    Examples
    --------
    >>> over_seeds([1.0, 2.0, 3.0]).value
    2.0
    """
    if len(set(values)) == 1:
        return Result(values[0], values[0], values[0], n=len(values), kind="modelled")
    mean = stats.mean_interval(values)
    low = max(mean.low, 0.0)
    return Result(mean.value, low, mean.high, n=len(values), kind="modelled")


def typical(values: Sequence[float]) -> Result:
    """Return the geometric mean of one value a seed with its interval; modelled.

    It is for times and their ratios, which are above 0 and often far above their median: on the
    logarithmic scale their interval stays above 0 too.

    Examples
    --------
    >>> round(typical([1.0, 4.0, 16.0]).value, 9)
    4.0
    """
    if len(set(values)) == 1:
        return over_seeds(values)
    logs = stats.mean_interval([math.log(value) for value in values])
    value, low, high = (math.exp(end) for end in (logs.value, logs.low, logs.high))
    return Result(value, low, high, n=len(values), kind="modelled")


def highest_rate(
    times: StepTimes, setting: Setting, *, users: Users, measure: Measure, bound: float, top: float
) -> Result:
    """Return the highest rate at which a latency stays within its bound [1/s], over seeds.

    Between a thousandth of `top` and `top` the factor that holds it is halved seven times, so a
    rate is found to 6 %; the lower end is returned, and 0 if every rate tried was too high.

    Parameters
    ----------
    times, setting, users
        As for `simulate`.
    measure
        The latency of a run that counts, such as a percentile.
    bound
        The largest allowed.
    top
        The highest rate that is believed, such as that of a full server.
    """
    found = []
    for seed in users.seeds:
        one = Users(users.number, users.lengths, (seed,))
        low, high = 0.0, top
        for _ in range(HALVINGS):
            middle = math.sqrt(max(low, top / 1000) * high)
            (log,) = simulate(times, setting, users=one, rate_per_s=middle)
            low, high = (middle, high) if measure(log) <= bound else (low, middle)
        found.append(low)
    return over_seeds(found)


def cost_per_million_tokens(rate: Result, *, output: float, price_per_hour: float) -> Result:
    """Return what a million written tokens cost at a rate of requests.

    Parameters
    ----------
    rate
        Requests a second, all answered; > 0.
    output
        Mean tokens that a request writes.
    price_per_hour
        Of the server, in any currency.

    Raises
    ------
    ValueError
        If the rate is not positive.

    Examples
    --------
    >>> from course_utils.records import counted
    >>> cost_per_million_tokens(counted(10.0), output=100, price_per_hour=3.6).value
    1.0
    """
    if not rate.value > 0:
        raise ValueError(f"the rate is {rate.value}; a server that answers nobody has no price")
    # The ends of an interval of a mean may lie below 0; half of the mean stands in for them.
    ends = (max(end, rate.value / 2) for end in (rate.value, rate.high, rate.low))
    value, low, high = (price_per_hour * 1e6 / (3600 * end * output) for end in ends)
    return Result(value, low, high, n=rate.n, kind="modelled")
