"""How far the weights of each strategy are from those of one process, on ranks that really run.

Every strategy does the same sums in another order, so the weights agree up to rounding and no
further. `LIMIT` says how much that may be. A weight that missed a step is off by about the
learning rate, hundreds of times as much.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labs.gpu_training import devices
from labs.gpu_training.launching.launcher import launch
from labs.gpu_training.strategies import registry, single
from labs.gpu_training.workload import Weights, Workload

# Why this learning rate and this limit. AdamW's first step moves a weight by lr g / (|g| + eps).
# Where a gradient g differs by d between orders of summation, the weight differs by
# lr d eps / (|g| + eps)^2: nothing where |g| is far above eps = 1e-8, and lr d / (4 eps) where
# |g| = eps. A hundred thousand weights have some gradients that small; their terms, of up to 1e-3,
# nearly cancel, and d is 3e-11 to 1e-10 there. That makes 1e-7 to 3e-7 with lr = 1e-4, and ten
# times as much with 1e-3, by no fault of a strategy. Which seed meets a gradient near eps is
# chance; of seed 0 the largest difference was 1.2e-7 on 2 and 4 ranks. Beside it stands the last
# bit of a weight: 2.4e-7 for those from 2 to 4, which embeddings have.
EQUALITY = Workload(size="tiny", batch=16, steps=3, learning_rate=1e-4)
LIMIT = 5e-7


def differences(
    names: Sequence[str],
    *,
    world_size: int,
    workload: Workload = EQUALITY,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    timeout_s: float = 300.0,
) -> dict[str, float]:
    """Return for each strategy the largest difference of a weight to one process, in one launch.

    Parameters
    ----------
    names
        Of strategies, as in `labs.gpu_training.strategies.registry`.
    world_size
        Ranks that run; the batch must be a multiple of it.
    workload
        What each strategy trains. The limit holds for `EQUALITY`.
    options
        Further keyword arguments by strategy, such as functions of a notebook.
    timeout_s
        For all strategies together [s].

    Returns
    -------
    dict
        By name, over all weights of all ranks that have them; NaN if a weight is no number.
    """
    extra = {name: dict((options or {}).get(name, {})) for name in names}
    arguments = {"workload": workload, "options": extra}
    launched = launch(
        rank_differences, world_size=world_size, arguments=arguments, timeout_s=timeout_s
    )
    return {name: max_of([each[name] for each in launched.results]) for name in names}


def rank_differences(
    workload: Workload, *, options: Mapping[str, Mapping[str, Any]]
) -> dict[str, float]:
    """Train each strategy in this rank, and once alone; return the differences by strategy."""
    wanted = single.train(workload, device=devices.local().type)["weights"]
    found = {}
    for name, extra in options.items():
        strategy = registry.named(name)
        result = strategy.load()(workload, **(dict(strategy.options) | dict(extra)))
        found[name] = largest_difference(result["weights"], wanted)
    return found


def largest_difference(weights: Weights | None, wanted: Weights) -> float:
    """Return the largest difference of a weight; 0 on a rank that has none of them.

    Raises
    ------
    ValueError
        If names or shapes differ.

    Examples
    --------
    >>> one, other = {"a": np.float32([1, 2])}, {"a": np.float32([1, 2.5])}
    >>> largest_difference(one, other)
    0.5
    """
    if not weights:
        return 0.0
    shapes, expected = ({n: w.shape for n, w in each.items()} for each in (weights, wanted))
    if shapes != expected:
        odd = sorted(set(shapes.items()) ^ set(expected.items()), key=str)
        raise ValueError(f"the weights are not those of one process: {odd[0]} is on one side only")
    return max_of([float(np.abs(w - wanted[name]).max()) for name, w in weights.items()])


def max_of(values: Sequence[float]) -> float:
    """Return the largest number, or NaN if one of them is; `max` would depend on the order.

    Examples
    --------
    >>> max_of([1.0, float("nan"), 2.0])
    nan
    """
    return float(np.max(values))
