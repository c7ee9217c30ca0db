"""Evidence of a job as plain data: from ranks that ran, or made up for a job that never did."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labs.gpu_training.faults.jobs import DROPOUT, SHARD, STALE, SUM

Evidence = dict[str, Any]


def collect(results: Sequence[Mapping[str, Any]], *, job: str, dropout: float) -> Evidence:
    """Return the evidence of a job from what each rank brought back.

    Parameters
    ----------
    results
        One a rank, from `labs.gpu_training.faults.jobs.train_all`.
    job
        Which one.
    dropout
        Of the workload.

    Returns
    -------
    dict
        ``ranks``; ``dropout``; ``batches``, ``masks``, ``states``: (ranks, steps) hashes, lists;
        ``applied``, ``expected``: (steps, buckets) norms, float64 arrays of rank 0.
    """
    runs = [result[job] for result in results]
    hashes = {name: [list(run[name]) for run in runs] for name in ("batches", "masks", "states")}
    norms = {name: np.array(runs[0][name]) for name in ("applied", "expected")}
    return {"ranks": len(runs), "dropout": dropout, **hashes, **norms}


def invent(
    job: str,
    rng: np.random.Generator,
    *,
    ranks: int = 2,
    steps: int = 4,
    buckets: int = 3,
    dropout: float = 0.1,
) -> Evidence:
    """Return what a job would leave, with hashes and norms drawn at random.

    Parameters
    ----------
    job
        One of `labs.gpu_training.faults.jobs.JOBS`.
    rng
        Draws them.
    ranks, steps, buckets
        Sizes; >= 2 each, and at most 20 steps.
    dropout
        Share; with 0 all masks are the same.
    """
    batches, masks = (rng.integers(1, 2**32, (ranks, steps)) for _ in range(2))
    states = np.tile(rng.integers(1, 2**32, steps), (ranks, 1))
    if job == SHARD:
        batches[:] = batches[0]
    if job == DROPOUT:
        masks[:] = masks[0]
    if dropout == 0:
        masks[:] = masks[0, 0]
    # Norms grow by 3 % a step or more, and move by 1 % at most: no two steps have the same.
    expected = rng.uniform(0.5, 2, buckets) * (1 + 0.1 * np.arange(steps)[:, None])
    expected *= rng.uniform(0.995, 1.005, expected.shape)
    applied = expected * rng.uniform(1 - 1e-6, 1 + 1e-6, expected.shape)
    if job == SUM:
        applied *= ranks
    if job == STALE:
        late = rng.integers(buckets)
        applied[1:, late] = expected[:-1, late]
    hashes = {"batches": batches, "masks": masks, "states": states}
    return {
        "ranks": ranks,
        "dropout": dropout,
        **{name: values.tolist() for name, values in hashes.items()},
        "applied": applied,
        "expected": expected,
    }
