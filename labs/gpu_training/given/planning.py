"""Stand-ins for the three functions of exercise 2.12: torch cuts the tensors, without memory."""

from collections.abc import Mapping, Sequence

import torch

__all__ = ["bytes_held", "collective_bytes", "step_time_s"]
Groups = Sequence[Sequence[Sequence[int]]]


def collective_bytes(
    strategy: str, groups: Groups, ranks: int, element_bytes: int = 4
) -> dict[str, int]:
    """Return the payload of a step by collective [B], from the pieces that `torch.chunk` makes.

    Parameters
    ----------
    strategy
        ``ddp`` or ``fsdp2``.
    groups
        Shapes of parameters; the first group stands outside of the blocks.
    ranks, element_bytes
        Ranks of the job, bytes of an element.
    """
    pieces = ranks if strategy == "fsdp2" else 1
    first, *rest = (element_bytes * pieces * sum(_pieces(group, pieces)) for group in groups)
    if strategy == "ddp":
        return {"all_reduce": first + sum(rest), "all_gather": 0, "reduce_scatter": 0}
    return {
        "all_reduce": 0,
        "all_gather": first + sum(2 * each for each in rest),
        "reduce_scatter": first + sum(rest),
    }


def bytes_held(strategy: str, groups: Groups, ranks: int, element_bytes: int = 4) -> int:
    """Return what a rank holds between steps [B]: weights, gradients and two moments.

    Parameters
    ----------
    strategy, groups, ranks, element_bytes
        As in `collective_bytes`.
    """
    pieces = ranks if strategy == "fsdp2" else 1
    return 4 * element_bytes * sum(sum(_pieces(group, pieces)) for group in groups)


def _pieces(shapes: Sequence[Sequence[int]], pieces: int) -> list[int]:
    wholes = (torch.empty(tuple(shape), device="meta") for shape in shapes)
    return [whole.chunk(pieces)[0].numel() for whole in wholes]


def step_time_s(
    parameters: int,
    tokens: int,
    collectives: Mapping[str, tuple[int, int]],
    ranks: int,
    machine: Mapping[str, float],
    is_overlapped: bool = False,
) -> float:
    """Return the modelled time of a step [s]: the messages of a ring, one after the other.

    Parameters
    ----------
    parameters, tokens
        Of the network, and of a rank's batch.
    collectives
        Calls and payload [B] by name.
    ranks
        On the ring.
    machine
        ``flop_per_s``, ``alpha_s`` and ``bytes_per_s``.
    is_overlapped
        Whether sending and computing go on at the same time.
    """
    compute_s = 6 * parameters * tokens / machine["flop_per_s"]
    sending_s = 0.0
    for name, (calls, payload) in collectives.items():
        rounds = torch.arange(1, ranks).repeat(2 if name == "all_reduce" else 1)
        message_s = calls * machine["alpha_s"] + payload / ranks / machine["bytes_per_s"]
        sending_s += message_s * len(rounds)
    return max(compute_s, sending_s) if is_overlapped else compute_s + sending_s
