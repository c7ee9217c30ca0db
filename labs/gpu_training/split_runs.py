"""What exercise 2.10 measures inside a launch: split networks against one process, and their times.

`equality` and `timelines` run on every rank. Nothing is judged here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import distributed as dist

from labs.gpu_training import devices
from labs.gpu_training.equality import largest_difference
from labs.gpu_training.schedules import Events, Schedule, Timeline, observed
from labs.gpu_training.strategies import (
    fsdp2_tensor,
    gpipe,
    one_forward_one_backward,
    pipeline,
    single,
    tensor,
)
from labs.gpu_training.workload import Workload

Result = Mapping[str, Any]
LIBRARY = {"GPipe": gpipe.train, "1F1B": one_forward_one_backward.train}
# AdamW moves a weight by lr * g / (|g| + eps): where the gradient is as small as eps, its rounding
# is multiplied by lr / eps. With 1e-4 this stays below the bound that the course asks for.
EQUALITY = Workload(size="tiny", learning_rate=1e-4)


def both(
    timed: Workload, *, schedules: Mapping[str, Schedule], micro_batches: int
) -> dict[str, Any]:
    """Return what `equality` and `timelines` return, so that the ranks start once.

    Parameters
    ----------
    timed
        For the times.
    schedules
        Name -> for each rank its order of work, with so many micro-batches.
    micro_batches
        Parts of a batch.
    """
    found = equality(EQUALITY, schedules=schedules, micro_batches=micro_batches)
    times = timelines(timed, schedules=schedules, micro_batches=micro_batches)
    return {"differences": found, "events": times}


def equality(
    workload: Workload, *, schedules: Mapping[str, Schedule], micro_batches: int
) -> dict[str, float]:
    """Return the largest difference of a weight to one process, for each way to split.

    Parameters
    ----------
    workload
        The job.
    schedules, micro_batches
        As for `both`; besides these torch's own schedules and the split layers are run,
        from 4 ranks on in two dimensions as well.

    Returns
    -------
    dict
        Name -> difference; empty on all ranks but 0, which does the comparing.
    """
    trained: dict[str, Result] = {"split layers": tensor.train(workload)}
    if dist.get_world_size() >= 4:  # two dimensions need two pairs
        trained["split layers, in pairs"] = fsdp2_tensor.train(workload)
    for name, order in schedules.items():
        own = pipeline.train(workload, order=order, micro_batches=micro_batches)
        trained[f"{name}, your order"] = own
        if micro_batches >= dist.get_world_size():  # torch's 1F1B takes no fewer
            library = LIBRARY[name](workload, micro_batches=micro_batches)
            trained[f"{name}, torch"] = library
    if dist.get_rank():
        return {}
    alone = single.train(workload, device=str(devices.local()))["weights"]
    return {name: largest_difference(each["weights"], alone) for name, each in trained.items()}


def timelines(
    workload: Workload, *, schedules: Mapping[str, Schedule], micro_batches: int
) -> dict[str, list[Events]]:
    """Return for each schedule what this rank did in each step, but for the first, to warm up.

    Parameters
    ----------
    workload
        The job; gets one more step.
    schedules, micro_batches
        As for `both`.
    """
    longer = replace(workload, steps=workload.steps + 1)
    found = {}
    for name, order in schedules.items():
        run = pipeline.train(longer, order=order, micro_batches=micro_batches)
        found[name] = run["events"][1:]
    return found


def steps_of(results: Sequence[Mapping[str, Any]], schedule: str) -> list[Timeline]:
    """Return the timeline of each step of a schedule, in seconds, from what the ranks returned.

    Parameters
    ----------
    results
        What `both` returned, one a rank.
    schedule
        Its name.
    """
    ranks = [result["events"][schedule] for result in results]
    return [observed(step) for step in zip(*ranks, strict=True)]


def typical(timelines: Sequence[Timeline]) -> Timeline:
    """Return the timeline whose makespan is the median, the lower of two."""
    ordered = sorted(timelines, key=lambda timeline: timeline.makespan)
    return ordered[(len(ordered) - 1) // 2]
