"""Trains with shared-out state on real ranks, in one launch, and says what each rank held and sent.

It holds neither the answers of the exercise nor the strategies.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_utils import plots, records, units
from labs.gpu_training import devices
from labs.gpu_training.equality import largest_difference, max_of
from labs.gpu_training.launching.launcher import launch
from labs.gpu_training.sharded_state import PARTS
from labs.gpu_training.strategies import registry, single
from labs.gpu_training.workload import Workload

NAMES = {"zero1": "ZeRO-1, yours", "zero1_library": "ZeRO-1, library", "fsdp2": "FSDP2"}
HALVES = {"all_reduce": 2.0}  # a reduce-scatter and an all-gather; all other collectives count once


@dataclass(frozen=True)
class Trained:
    """What came of a strategy on all ranks.

    Parameters
    ----------
    difference
        Largest difference of a weight to one process.
    held_bytes
        By rank, then by part: weights, gradients, optimizer [B].
    payload_bytes
        Of one step, by collective [B]: the whole tensor that is reduced or gathered.
    """

    difference: float
    held_bytes: Sequence[Mapping[str, int]]
    payload_bytes: Mapping[str, int]

    def fullest(self) -> Mapping[str, int]:
        """Return what the rank with the most bytes holds, by part [B]."""
        return max(self.held_bytes, key=lambda held: sum(held.values()))

    def halves_bytes(self) -> float:
        """Return the payload of a step with an all-reduce counted as its two halves [B]."""
        return sum(HALVES.get(name, 1.0) * size for name, size in self.payload_bytes.items())

    def sent_bytes(self) -> float:
        """Return what a rank sends in a step, as in a ring [B]; the mean over the ranks."""
        ranks = len(self.held_bytes)
        return self.halves_bytes() * (ranks - 1) / ranks

    def times_data_parallel(self, parameters: int) -> float:
        """Return the bytes sent over those of one all-reduce of as many gradients in float32."""
        return self.halves_bytes() / (HALVES["all_reduce"] * 4 * parameters)


def compare(
    step: Callable[..., Any],
    update: Callable[..., Any],
    *,
    workload: Workload,
    world_size: int,
    timeout_s: float = 300.0,
) -> dict[str, Trained]:
    """Train with the student's ZeRO-1, the library's and FSDP2 in one launch.

    Parameters
    ----------
    step, update
        ``zero1_step`` and ``adamw_update`` of exercise 2.9.
    workload
        Its batch is a multiple of the ranks.
    world_size
        Ranks that run.
    timeout_s
        For all of it [s].

    Returns
    -------
    dict
        By the name of the strategy, see `NAMES`.
    """
    arguments = {"workload": workload, "options": {"zero1": {"step": step, "update": update}}}
    launched = launch(train_all, world_size=world_size, arguments=arguments, timeout_s=timeout_s)
    return {
        name: Trained(
            max_of([each[name]["difference"] for each in launched.results]),
            [each[name]["held_bytes"] for each in launched.results],
            launched.results[0][name]["payload_bytes"],
        )
        for name in NAMES
    }


def train_all(
    workload: Workload, *, options: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Train every strategy of `NAMES` in this rank; returns plain data by name."""
    wanted = single.train(workload, device=devices.local().type)["weights"]
    found = {}
    for name in NAMES:
        result = registry.named(name).load()(workload, **options.get(name, {}))
        difference = largest_difference(result["weights"], wanted)
        kept = {key: result[key] for key in ("held_bytes", "payload_bytes")}
        found[name] = {"difference": difference, **kept}
    return found


def draw_held(
    axes: Any, alone: Mapping[str, int], *, trained: Sequence[Mapping[str, Trained]], title: str
) -> list[dict[str, Any]]:
    """Draw what the fullest rank holds, one bar a strategy and number of ranks; return the rows.

    Parameters
    ----------
    axes
        Where to draw.
    alone
        What one process holds, by part [B].
    trained
        What `compare` returned, once for each number of ranks.
    title
        The sentence that the figure proves.
    """
    held = {"one process": alone}
    for each in trained:
        ranks = len(next(iter(each.values())).held_bytes)
        held |= {f"{NAMES[name]}, {ranks} ranks": found.fullest() for name, found in each.items()}
    bars = {
        bar: {
            part.replace("optimizer", "optimiser"): records.counted(parts[part] / units.MI)
            for part in PARTS
        }
        for bar, parts in held.items()
    }
    x_label = "held by the fullest rank [MiB]"
    return plots.stacked_breakdown(axes, bars, x_label=x_label, title=title)
