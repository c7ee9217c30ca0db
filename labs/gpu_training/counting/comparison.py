"""Puts counts side by side: a formula against fake ranks, fake ranks against real ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labs.gpu_training.counting import formulas
from labs.gpu_training.counting.jobs import Counted, Job

ELEMENT_BYTES = 4
CollectiveBytes = Callable[[str, Sequence[Any], int, int], Mapping[str, float]]
BytesHeld = Callable[[str, Sequence[Any], int, int], float]


def formula_rows(
    jobs: Sequence[Job],
    found: Sequence[Counted],
    *,
    collective_bytes: CollectiveBytes,
    bytes_held: BytesHeld,
) -> list[dict[str, Any]]:
    """Return what was counted and what formulas say, one row a job and quantity.

    Parameters
    ----------
    jobs, found
        Without tensor parallelism; what was counted for each.
    collective_bytes, bytes_held
        The formulas, as exercise 2.12 asks for them.
    """
    rows = []
    for job, counted in zip(jobs, found, strict=True):
        shapes = formulas.groups(job.size)
        said = dict(collective_bytes(job.strategy, shapes, job.ranks, ELEMENT_BYTES))
        said["held"] = bytes_held(job.strategy, shapes, job.ranks, ELEMENT_BYTES)
        seen = {name: payload for name, (_, payload) in counted.collectives.items()}
        seen["held"] = held_bytes(counted)
        rows += [
            {
                "strategy": job.strategy,
                "width": job.size.width,
                "ranks": job.ranks,
                "what": name.replace("_", "-"),
                "counted [B]": size,
                "your formula [B]": said[name],
                "equal": "yes" if said[name] == size else "NO",
            }
            for name, size in seen.items()
        ]
    return rows


def held_bytes(counted: Counted) -> int:
    """Return what a rank holds between steps: weights, gradients, moments [B]."""
    return counted.parameter_bytes + counted.gradient_bytes + counted.optimizer_bytes


def sent_bytes(counted: Counted) -> int:
    """Return the payload of all collectives of a step [B]."""
    return sum(payload for _, payload in counted.collectives.values())


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how many rows are equal, as a caption.

    Examples
    --------
    >>> summary([{"equal": "yes"}, {"equal": "NO"}])
    '1 of 2 equal, to the byte'
    """
    return f"{sum(row['equal'] == 'yes' for row in rows)} of {len(rows)} equal, to the byte"


def real_rows(
    jobs: Sequence[Job], *, fake: Sequence[Counted], real: Sequence[Counted]
) -> list[dict[str, Any]]:
    """Return calls and bytes on fake and on real ranks, one row a job and quantity.

    Operations and activations are left out: they depend on the kernels of a device.

    Parameters
    ----------
    jobs
        That were counted.
    fake, real
        What was counted for each, on both kinds of ranks.
    """
    rows = []
    for job, there, here in zip(jobs, fake, real, strict=True):
        seen, met = _numbers(there), _numbers(here)
        rows += [
            {
                "strategy": job.strategy,
                "ranks": job.ranks,
                "what": name,
                "fake": seen.get(name, 0),
                "real": met.get(name, 0),
                "equal": "yes" if seen.get(name) == met.get(name) else "NO",
            }
            for name in dict.fromkeys([*seen, *met])
        ]
    return rows


def _numbers(counted: Counted) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for name, (calls, payload) in counted.collectives.items():
        plain = name.replace("_", "-")
        numbers |= {f"{plain} calls": calls, f"{plain} [B]": payload}
    return numbers | {"held [B]": held_bytes(counted)}
