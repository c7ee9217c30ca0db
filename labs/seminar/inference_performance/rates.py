"""The highest rate of arrivals whose 99th percentile keeps a bound, found on a simulated server.

The server is a function, exercise 6.5; its costs are those of exercise 6.4. Every rate is played
with the same few draws of arrivals, only their gaps shrink, and each draw gives its own highest
rate by bisection. Where they differ, it is luck who arrives when: between the lowest and the
highest of them it cannot be said. A run begins with an empty queue and lasts 50 times the bound, so
that a queue has time to grow. All of it is modelled; `loadgen.LoadGen.server` runs a real one.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils import stats
from course_utils.records import Result
from course_utils.units import MS_PER_S
from labs.seminar.inference_performance.runs import Floats, Run

Simulate = Callable[..., npt.ArrayLike]  # arrivals_s, overhead_s, work_s, most -> latencies [s]
Cost = tuple[float, float]  # overhead_s, work_s
DRAWS = 6  # the interval of a median of 6 is their whole range, at 97 %
FEWEST_QUERIES, MOST_QUERIES = 2_000, 20_000
SPAN = 50  # bounds that a run lasts, unless it would be longer than so many queries
STEPS = 10  # halvings of the capacity: rates are exact to 0.1 % of it


def capacity_per_s(cost: Cost, *, most: int) -> float:
    """Return the rows a second that a server with full batches answers: no rate above lasts.

    Parameters
    ----------
    cost
        Overhead of a batch and work of a row [s], both >= 0 and not both 0.
    most
        Rows of a batch, >= 1.

    Raises
    ------
    ValueError
        If a cost is negative, or both are 0, or a batch holds nothing.

    Examples
    --------
    >>> capacity_per_s((0.001, 0.0005), most=8)
    1600.0
    """
    overhead_s, work_s = cost
    if min(cost) < 0 or max(cost) == 0 or most < 1:
        raise ValueError(f"cost {cost}, most {most}: give costs >= 0, one above, and most >= 1")
    return most / (overhead_s + most * work_s)


def unit_arrivals(queries: int, *, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Return arrivals (draws, queries) at one a second, to be divided by a rate.

    With the same seed fewer queries are the first of many.

    Parameters
    ----------
    queries, draws
        Each >= 1.
    seed
        Gives all draws.

    Examples
    --------
    >>> few, many = unit_arrivals(2), unit_arrivals(5)
    >>> few.shape, bool((few == many[:, :2]).all())
    ((6, 2), True)
    """
    generators = [np.random.default_rng([seed, draw]) for draw in range(draws)]
    return np.array([np.cumsum(rng.exponential(1.0, queries)) for rng in generators])


def tail_s(latencies_s: npt.ArrayLike, percent: float = 99) -> float:
    """Return a percentile: the smallest latency that so many percent of all do not exceed [s].

    Examples
    --------
    >>> tail_s(range(1, 101)), tail_s(range(1, 101), 50)
    (99.0, 50.0)
    """
    return float(np.quantile(np.asarray(latencies_s), percent / 100, method="inverted_cdf"))


def highest_rate(
    batched_latencies: Simulate, cost: Cost, *, most: int, bound_s: float, seed: int = 0
) -> Result:
    """Return the highest rate [1/s] whose 99th percentile of latency keeps a bound; modelled.

    Parameters
    ----------
    batched_latencies
        As in exercise 6.5.
    cost
        Overhead of a batch and work of a row [s], as in `capacity_per_s`.
    most
        Rows of a batch, >= 1.
    bound_s
        Of the latency [s], > 0.
    seed
        Gives the arrivals: six draws of 2,000 to 20,000 queries.

    Returns
    -------
    Result
        Median over the draws. At ``low`` every draw keeps the bound, at ``high`` or just above, by
        0.1 % of the capacity, none does. 0 if a row alone takes too long. Never above the capacity:
        a run may keep a bound there, but only because it ends.

    Raises
    ------
    ValueError
        If the bound is not positive, or as in `capacity_per_s`.
    """
    limit = capacity_per_s(cost, most=most)
    if not bound_s > 0:
        raise ValueError(f"bound_s is {bound_s}; give a time above 0")
    if sum(cost) > bound_s:
        return Result(0.0, 0.0, 0.0, n=DRAWS, kind="modelled")
    queries = int(np.clip(SPAN * bound_s * limit, FEWEST_QUERIES, MOST_QUERIES))

    def keeps(unit: Floats, rate_per_s: float) -> bool:
        latencies_s = batched_latencies(unit / rate_per_s, *cost, most)
        return tail_s(latencies_s) <= bound_s

    found = [_bisect(partial(keeps, unit), limit) for unit in unit_arrivals(queries, seed=seed)]
    return stats.median_interval(found).result("modelled")


def _bisect(keeps: Callable[[float], bool], limit: float) -> float:
    if keeps(limit):
        return limit
    low, high = 0.0, limit
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return low


def latency_ms(
    batched_latencies: Simulate,
    cost: Cost,
    *,
    most: int,
    rates_per_s: Sequence[float],
    arrivals: Floats,
    percent: float = 99,
) -> list[tuple[float, Result]]:
    """Return a percentile of the simulated latency [ms] at some rates, median over the draws.

    Parameters
    ----------
    batched_latencies, cost, most
        As in `highest_rate`.
    rates_per_s
        Each > 0. Those at which the server could not keep up are left out.
    arrivals
        (draws, queries) of `unit_arrivals`, 5 draws or more.
    percent
        Of the latency.
    """
    limit = capacity_per_s(cost, most=most)
    points = []
    for rate in (rate for rate in rates_per_s if rate < limit):
        tails = [
            MS_PER_S * tail_s(batched_latencies(unit / rate, *cost, most), percent)
            for unit in arrivals
        ]
        points.append((float(rate), stats.median_interval(tails).result("modelled")))
    return points


def told_beside(batched_latencies: Simulate, cost: Cost, *, run: Run) -> list[dict[str, Any]]:
    """Return percentiles of a real run of the server scenario beside those told, as rows.

    The simulated server gets the very arrivals of the run, so what differs is what calls cost:
    theirs scatter, other programs interrupt them, and a queue hands each delay on. The first row
    has the mean of a call, told for the batches that there were: if that is off, look there first.

    Parameters
    ----------
    batched_latencies, cost
        As in `highest_rate`.
    run
        Of the server scenario.

    Raises
    ------
    ValueError
        If it is of another scenario.
    """
    if run.most is None:
        raise ValueError(f"the run is of the scenario {run.scenario}; give one of Server")
    told_s = batched_latencies(run.due_s, *cost, run.most)
    call_ms = stats.mean_interval(MS_PER_S * run.calls_s).result()
    told_call_s = float(np.mean(cost[0] + cost[1] * np.array(run.batches)))
    lines = [("mean of a call", told_call_s, call_ms)] + [
        (f"p{percent} of latency", tail_s(told_s, percent), measured)
        for percent, measured in run.percentiles_ms().items()
    ]
    return [
        {
            "what": what,
            "told [ms]": MS_PER_S * told,
            "measured [ms]": measured.value,
            "from": measured.low,
            "to": measured.high,
            "measured / told": measured.value / (MS_PER_S * told),
        }
        for what, told, measured in lines
    ]
