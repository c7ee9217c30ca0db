"""Runs all data-parallel strategies in one launch: who equals whom, and which step is faster.

`race` runs in a rank; the other functions work on what comes back and start nothing.
"""

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from course_utils import stats
from course_utils.records import Result
from labs.gpu_training import traces
from labs.gpu_training.equality import largest_difference
from labs.gpu_training.strategies import bucketed, ddp, flat, naive, overlapped
from labs.gpu_training.workload import Weights, Workload

STRATEGIES = {
    "naive": naive.train,
    "flat": flat.train,
    "bucketed": bucketed.train,
    "overlapped": overlapped.train,
    "DDP": ddp.train,
}
TRACED = ("bucketed", "overlapped")
TRACED_STEPS = 7
STEPS_A_ROUND = 4  # the first warms up


def race(
    workload: Workload,
    *,
    bucket_bytes: int,
    own: Mapping[str, Callable[..., Any]],
    rounds: int,
) -> dict[str, Any]:
    """Train by every strategy in a rank, then time them in turn, round by round.

    Parameters
    ----------
    workload
        What all of them train, from the same weights on the same batches.
    bucket_bytes
        Size of the buckets.
    own
        Names of strategies -> functions that take the place of ours; they run beside ours as
        ``"own ..."``.
    rounds
        In which each strategy takes some steps; with 0 nothing is timed or traced.

    Returns
    -------
    dict
        ``trained``: name -> what its ``train`` returned; ``step_s``: name -> median time of a step
        in each round; ``traces``: name -> a trace a step, of those in `TRACED`.
    """
    options: dict[str, dict[str, Any]] = {name: {} for name in STRATEGIES}
    options |= {f"own {name}": {"average": function} for name, function in own.items()}

    def train(name: str, job: Workload) -> dict[str, Any]:
        strategy: Callable[..., dict[str, Any]] = STRATEGIES[name.removeprefix("own ")]
        return strategy(job, bucket_bytes=bucket_bytes, **options[name])

    trained = {name: train(name, workload) for name in options}
    short = dataclasses.replace(workload, steps=STEPS_A_ROUND)
    step_s: dict[str, list[float]] = {name: [] for name in options}
    for _ in range(rounds):
        for name, taken_s in step_s.items():
            taken_s.append(statistics.median(train(name, short)["step_s"][1:]))
    traced = dataclasses.replace(workload, steps=TRACED_STEPS + 1)  # the first warms up
    recorded = {
        name: traces.record(partial(train, name, traced))[1][1:] for name in TRACED if rounds
    }
    return {"trained": trained, "step_s": step_s, "traces": recorded}


def comparison(trained: Mapping[str, dict[str, Any]], reference: Weights) -> list[dict[str, Any]]:
    """Return a row a strategy: messages and bytes of its last step, and who its weights equal.

    Parameters
    ----------
    trained
        From `race`.
    reference
        Weights that one process has after the same steps.
    """
    first = trained["naive"]["weights"]
    return [
        {
            "strategy": name,
            "messages": run["messages"][-1],
            "bytes": run["message_bytes"][-1],
            "difference to one process": f"{largest_difference(run['weights'], reference):.2g}",
            "difference to naive": f"{largest_difference(run['weights'], first):.2g}",
        }
        for name, run in trained.items()
    ]


def step_ratios(step_s: Mapping[str, list[float]], *, to: str) -> dict[str, Result]:
    """Return how long a step of each strategy takes as a share of another's, in the same round.

    Parameters
    ----------
    step_s
        From `race`, >= 5 rounds; 6 are needed for an interval of 95 %.
    to
        Which strategy is 1.
    """
    ratios = {}
    for name, taken_s in step_s.items():
        pairs = [a / b for a, b in zip(taken_s, step_s[to], strict=True)]
        ratios[name] = stats.median_interval(pairs).result()
    return ratios


def hidden_shares(recorded: Sequence[traces.Trace]) -> Result:
    """Return the share of all-reduce time that hides behind backward; the median over steps.

    Parameters
    ----------
    recorded
        Traces of at least 5 steps, from `race`.
    """
    shares = [traces.hidden_share(traces.timeline(trace)) for trace in recorded]
    return stats.median_interval(shares).result()


def typical(recorded: Sequence[traces.Trace]) -> traces.Trace:
    """Return the trace whose last all-reduce ends neither early nor late among all."""
    by_end = sorted(recorded, key=lambda trace: traces.timeline(trace)["all-reduce"][-1:])
    return by_end[len(by_end) // 2]


def is_resolved(ratio: Result) -> bool:
    """Return whether an interval of ratios excludes 1, so that one of two is faster."""
    return not ratio.low <= 1 <= ratio.high
