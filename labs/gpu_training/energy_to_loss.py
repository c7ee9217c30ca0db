"""Training with an eye on the meter: the energy between two looks at the validation loss.

The energy is that of `course_utils.energy`: a counter where this machine has one, else a model of
CPU time, which is then no quantity of its own. Energy over many GPUs is modelled from the model of
a step; a GPU is taken to draw the same power whether it computes or waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch

from course_utils import energy
from course_utils.records import Kind, Result
from labs.gpu_training import devices, step_time, text
from labs.gpu_training.counting.jobs import Job
from labs.gpu_training.workload import Workload, loss_of
from labs.shared.transformer import SIZES, Size

EVALUATED = 32  # sequences of the validation batch, the same at every look


@dataclass(frozen=True)
class Run:
    """One training run, look by look.

    Parameters
    ----------
    every
        Optimiser steps between two looks.
    losses
        Of the validation batch at each look [nat].
    energies_j
        Of the training steps since the look before; looking is left out [J].
    tier, source
        How the energy was come by, and from what.
    error
        How far off that may be, as a fraction.
    """

    every: int
    losses: list[float]
    energies_j: list[float]
    tier: Kind
    source: str
    error: float

    def result(self, energy_j: float) -> Result:
        """Return an energy of this run [J] with the error of its source."""
        low_j, high_j = energy_j * (1 - self.error), energy_j * (1 + self.error)
        return Result(energy_j, low_j, high_j, n=1, kind=self.tier)


def train(workload: Workload, *, every: int = 5) -> Run:
    """Train and look at the validation loss every so many steps.

    Parameters
    ----------
    workload
        Its steps are a multiple of `every`.
    every
        Steps between two looks.

    Raises
    ------
    ValueError
        If they are not.
    """
    if workload.steps % every:
        raise ValueError(f"steps is {workload.steps}; give a multiple of every, which is {every}")
    device = devices.local()
    model = workload.model().to(device)
    optimizer = workload.optimizer(model)
    context = SIZES[workload.size].context
    watched = text.draw_batch(batch=EVALUATED, context=context, seed=(0,), split="val")
    losses, energies_j = [], []
    with energy.meter(device.type) as meter:
        for look in range(workload.steps // every):
            before_j = meter.read().energy_j
            for step in range(every * look, every * (look + 1)):
                x, y = (part.to(device) for part in workload.batch_of(step))
                optimizer.zero_grad()
                torch.autograd.backward(loss_of(model, x, targets=y))
                optimizer.step()
            devices.synchronize()
            energies_j.append(meter.read().energy_j - before_j)
            with torch.no_grad():
                x, y = (part.to(device) for part in watched)
                losses.append(float(loss_of(model, x, targets=y)))
    total = meter.reading.result()
    error = total.high / total.value - 1 if total.value else 0.0
    return Run(every, losses, energies_j, total.kind, meter.reading.source, error)


def curve(run: Run, window: int) -> list[tuple[float, Result]]:
    """Return the running mean of the last `window` losses by optimiser steps, for a figure.

    Parameters
    ----------
    run
        Of `train`.
    window
        Looks that are averaged.
    """
    means = [fmean(run.losses[i - window : i]) for i in range(window, len(run.losses) + 1)]
    return [
        ((i + window) * run.every, Result(mean, mean, mean, n=1, kind="measured"))
        for i, mean in enumerate(means)
    ]


def energy_ratio(job: Job, *, at_ranks: int) -> Result:
    """Return the energy of a step on more ranks, as a multiple of a job's own; the batch is shared.

    Energy is ranks times time here, with the same power for each. All three machines are asked.

    Parameters
    ----------
    job
        With the fewest ranks.
    at_ranks
        More of them, which divide the job's sequences.

    Raises
    ------
    ValueError
        If the sequences cannot be shared out evenly.
    """
    sequences = job.batch * job.ranks
    if sequences % at_ranks:
        raise ValueError(
            f"at_ranks is {at_ranks}; give a number that divides the {sequences} sequences"
        )
    more = replace(job, ranks=at_ranks, batch=sequences // at_ranks)
    ratios = {
        name: at_ranks
        * step_time.step_s(more, machine, is_overlapped=name != "careful")
        / (job.ranks * step_time.step_s(job, machine, is_overlapped=name != "careful"))
        for name, machine in step_time.MACHINES.items()
    }
    low, high = min(ratios.values()), max(ratios.values())
    return Result(ratios["middle"], low, high, n=1, kind="modelled")


def ratios(size: Size, *, sequences: int, ranks: Sequence[int]) -> list[tuple[float, Result]]:
    """Return `energy_ratio` with DDP for several numbers of ranks, the first of them the measure.

    Parameters
    ----------
    size
        Of the transformer.
    sequences
        Of a step, over all ranks together.
    ranks
        Rising.
    """
    first = Job("ddp", size, ranks[0], batch=sequences // ranks[0])
    return [(n, energy_ratio(first, at_ranks=n)) for n in ranks]


def rises_at(found: Sequence[tuple[float, Result]], *, share: float = 0.1) -> int | None:
    """Return the fewest ranks that take more than this share of energy in addition, or None.

    Examples
    --------
    >>> one, much = (Result(x, x, x, n=1, kind="modelled") for x in (1.0, 1.3))
    >>> rises_at([(8, one), (16, one), (32, much)])
    32
    """
    return next((int(n) for n, ratio in found if ratio.value > 1 + share), None)
