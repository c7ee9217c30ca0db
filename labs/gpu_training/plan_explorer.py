"""A plan to turn: ranks, size and batch, and what each strategy then holds, sends and takes.

What it leaves in a notebook is a picture with its text; sliders appear where a front end answers.
What is held and sent is counted in closed form, the time is modelled on an assumed machine
(`labs.gpu_training.step_time`).
"""

from dataclasses import dataclass
from typing import Any

from course_utils import plots, units, widgets
from course_utils.records import Result, counted
from labs.gpu_training import plan_pictures, step_time
from labs.gpu_training.counting import formulas
from labs.gpu_training.counting.jobs import Job
from labs.gpu_training.words import plural
from labs.shared.transformer import SIZES

TENSOR = 4  # ranks that share products: it divides the heads of every size
RANKS = (8, 16, 32, 64, 128, 256, 512, 1024)
BATCHES = (1, 2, 4, 8, 16, 32, 64)
TOKENS = 1e9  # whose training is reckoned in GPU hours


@dataclass(frozen=True)
class Plan:
    """One job of a plan.

    Parameters
    ----------
    job
        What is spread, and how.
    parts
        Memory of a rank by what takes it [B].
    sent_bytes
        Payload of the collectives of a step, counted [B].
    step_ms, tokens_per_s, gpu_hours, efficiency
        Modelled: one step; tokens of all ranks; hours of all ranks for `TOKENS`; the share of a
        step in which a rank computes for the training.
    """

    job: Job
    parts: dict[str, Result]
    sent_bytes: int
    step_ms: Result
    tokens_per_s: Result
    gpu_hours: Result
    efficiency: Result

    @property
    def memory_bytes(self) -> float:
        """The sum of the parts."""
        return sum(part.value for part in self.parts.values())


def plan(job: Job) -> Plan:
    """Return what a job holds, sends and takes."""
    step = step_time.step_ms(job)
    tokens = job.replicas * job.batch * job.size.context
    computing_ms = [
        units.MS_PER_S * formulas.flops(job) / step_time.MACHINES[name].flop_per_s
        for name in ("careful", "middle", "hopeful")
    ]
    shares = [c / s for c, s in zip(computing_ms, (step.high, step.value, step.low), strict=True)]
    rate = units.MS_PER_S * tokens
    hours = TOKENS / tokens * job.ranks / units.MS_PER_S / units.S_PER_H
    return Plan(
        job,
        parts=memory_parts(job),
        sent_bytes=sum(payload for _, payload in formulas.collectives(job).values()),
        step_ms=step,
        tokens_per_s=_modelled(rate / step.high, rate / step.low, at=rate / step.value),
        gpu_hours=_modelled(hours * step.low, hours * step.high, at=hours * step.value),
        efficiency=_modelled(min(shares), max(shares), at=shares[1]),
    )


def memory_parts(job: Job) -> dict[str, Result]:
    """Return the memory of a rank by what takes it [B].

    What FSDP2 has gathered is modelled: what stands outside of the blocks, the block at work and
    the next one, which is on its way.
    """
    seen = formulas.counted(job)
    parts = {
        "weights": counted(seen.parameter_bytes),
        "gradients": counted(seen.gradient_bytes),
        "moments": counted(seen.optimizer_bytes),
        "activations": counted(seen.activation_bytes),
    }
    if job.strategy.startswith("fsdp2"):
        groups = formulas.groups(job.size, tensor=job.tensor)[:3]
        whole = sum(formulas.elements(group, ranks=job.replicas) for group in groups)
        size = formulas.ELEMENT_BYTES * whole
        parts["gathered"] = _modelled(size, size, at=size)
    return parts


def _modelled(low: float, high: float, *, at: float) -> Result:
    return Result(at, low, high, n=1, kind="modelled")


@dataclass(frozen=True, repr=False)
class PlanExplorer:
    """Three strategies beside each other, redrawn for another size, number of ranks or batch.

    Parameters
    ----------
    size, ranks, batch
        What is shown first: a name in `labs.shared.transformer.SIZES`, one of `RANKS`, one of
        `BATCHES`, the sequences of a rank.
    """

    size: str = "large"
    ranks: int = 64
    batch: int = 8

    def plans(self, size: str, ranks: int, *, batch: int) -> list[Plan]:
        """Return a plan for each strategy; ranks that share products have their batches together.

        Parameters
        ----------
        size, ranks, batch
            As for the class.
        """
        shape = SIZES[size]
        return [
            plan(Job("ddp", shape, ranks, batch=batch)),
            plan(Job("fsdp2", shape, ranks, batch=batch)),
            plan(Job("fsdp2_tensor", shape, ranks, tensor=TENSOR, batch=TENSOR * batch)),
        ]

    def picture(self, size: str, ranks: int, *, batch: int) -> plots.Picture:
        """Return the memory of a rank by strategy, with what is sent and how long a step takes."""
        plans = self.plans(size, ranks, batch=batch)
        figure, axes = plots.new_figure(wide=True)
        what = f"{size}, {plural(ranks, 'rank')}, {plural(batch, 'sequence')} each"
        title = f"{what}: {plan_pictures.finding(plans)}"
        plan_pictures.memory(axes, plans, title=title)
        return plots.show(figure, alt=f"{title}. {plan_pictures.told(plans)}")

    def _ipython_display_(self) -> None:
        from IPython import display  # noqa: PLC0415 - called in kernels, which have it

        first: dict[str, Any] = {"size": self.size, "ranks": self.ranks, "batch": self.batch}
        shown = display.display(self.picture(**first), display_id=True)  # type: ignore[no-untyped-call]
        if not widgets.is_interactive():
            return
        from ipywidgets import SelectionSlider, VBox  # noqa: PLC0415 - only for a front end

        options = {"size": list(SIZES), "ranks": list(RANKS), "batch": list(BATCHES)}
        sliders = {
            name: SelectionSlider(
                options=each, value=first[name], description=name, continuous_update=False
            )
            for name, each in options.items()
        }

        def redraw(_: object) -> None:
            shown.update(self.picture(**{name: each.value for name, each in sliders.items()}))

        for slider in sliders.values():
            slider.observe(redraw, names="value")
        display.display(VBox(list(sliders.values())))  # type: ignore[no-untyped-call]
