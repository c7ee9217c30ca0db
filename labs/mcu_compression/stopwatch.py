"""Times several networks in turn, so that a busy machine slows down all of them alike.

`course_utils.timing` times one call well. To compare networks, each round here times every one
once, shortly after the other, and only ratios within a round are kept: what changes from round to
round, such as another program's work, falls out. It changes no network.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from course_utils import stats, timing
from course_utils.records import Result


def rounds_of(
    networks: Mapping[str, nn.Module], example: Tensor, *, rounds: int, round_s: float = 0.03
) -> dict[str, list[float]]:
    """Return the median latency of each network in each round [ms].

    Parameters
    ----------
    networks
        In evaluation mode, on the example's device.
    example
        Their input, batch included.
    rounds
        How often to go round, >= 6 for intervals of 95 %.
    round_s
        Time for one network in one round [s].
    """
    taken: dict[str, list[float]] = {name: [] for name in networks}
    with torch.no_grad():
        for number in range(rounds):
            names = list(networks)
            # Start elsewhere each time: who comes first after a pause finds a colder cache.
            for name in names[number % len(names) :] + names[: number % len(names)]:
                call = networks[name]
                measured = timing.latency(
                    lambda call=call: call(example),  # type: ignore[misc]  # bound here
                    device=example.device,
                    warmup=1,
                    min_runs=3,
                    min_elapsed_s=round_s,
                )
                taken[name].append(measured.median_ms)
    return taken


def ratios(
    networks: Mapping[str, nn.Module],
    example: Tensor,
    *,
    to: str,
    rounds: int,
    round_s: float = 0.03,
) -> dict[str, Result]:
    """Return the latency of the other networks as a share of one network's, with intervals.

    Parameters
    ----------
    networks, example, rounds, round_s
        As in `rounds_of`.
    to
        Name of the network that the others are compared with.

    Raises
    ------
    ValueError
        If there is no such network, naming those there are.
    """
    if to not in networks:
        raise ValueError(f"to is {to!r}; give one of {', '.join(networks)}")
    taken = rounds_of(networks, example, rounds=rounds, round_s=round_s)
    return {name: ratio(ms, to=taken[to]) for name, ms in taken.items() if name != to}


def ratio(times_ms: Sequence[float], *, to: Sequence[float]) -> Result:
    """Return the median over the rounds of one network's time divided by another's.

    Parameters
    ----------
    times_ms, to
        Of the same rounds, at least 5.

    Examples
    --------
    >>> ratio([1.0, 2.0, 1.1, 1.0, 1.0, 1.0], to=[2.0, 4.0, 2.0, 2.0, 2.0, 2.0]).value
    0.5
    """
    return stats.median_interval([a / b for a, b in zip(times_ms, to, strict=True)]).result()
