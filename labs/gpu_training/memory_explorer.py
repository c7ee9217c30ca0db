"""Sliders over size, batch, precision, optimiser and ranks, with what one rank must hold.

What it leaves in the notebook is an ordinary picture with its text. The states come from a function
that is handed in, a student's or the given one; the activations from the closed form of
`labs.gpu_training.memory_accounts`. Nothing is measured here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.records import Result
from course_utils.units import BYTES_PER_GB
from labs.gpu_training import memory_accounts
from labs.gpu_training.words import decimal_size, plural, unit_for
from labs.shared.sliders import show_with_sliders
from labs.shared.transformer import SIZES

States = Callable[..., Mapping[str, int]]
MEMORIES_GB = (16, 40, 80, 141)
NEAR = 0.05  # share of the device below which stacks are drawn alone
STAGES = {0: "nothing shared", 1: "+ optimiser", 2: "+ gradients", 3: "+ weights"}


@dataclass(frozen=True, repr=False)
class MemoryStack:
    """The memory of one rank as a stack, for each stage of ZeRO, beside that of a device.

    Parameters
    ----------
    state_bytes
        ``state_bytes(parameters, precision, optimizer=...)``, as in exercise 2.3.
    size, batch, precision, optimizer, ranks, device_gb
        What is shown first: size of the transformer, sequences of a rank, ``float32`` or ``mixed``,
        ``sgd``, ``momentum`` or ``adamw``, ranks, and the memory of one device [GB].
    """

    state_bytes: States = field(repr=False)
    size: str = "huge"
    batch: int = 8
    precision: str = "mixed"
    optimizer: str = "adamw"
    ranks: int = 8
    device_gb: int = 40

    def stacks(
        self, size: str, batch: int, *, precision: str, optimizer: str, ranks: int
    ) -> dict[str, dict[str, Result]]:
        """Return the parts of each stage's bar [GB].

        The `size` of the transformer, a rank's `batch`, `precision`, `optimizer` and `ranks` are
        those of the sliders.
        """
        shape = SIZES[size]
        parameters = memory_accounts.parameters_of(shape)
        states = dict(self.state_bytes(parameters, precision, optimizer=optimizer))
        kept = memory_accounts.activation_bytes_of(shape, batch=batch, precision=precision)
        kept += memory_accounts.loss_bytes_of(shape, batch=batch)
        bars = {}
        for stage, name in STAGES.items():
            held = memory_accounts.shared_out(states, ranks=ranks, stage=stage)
            bars[f"{stage}: {name}"] = {
                part: _modelled(size_bytes / BYTES_PER_GB)
                for part, size_bytes in {**held, "activations": kept}.items()
            }
        return bars

    @mpl.rc_context(plots.STYLE)
    def picture(
        self, size: str, batch: int, *, precision: str, optimizer: str, ranks: int, device_gb: int
    ) -> plots.Picture:
        """Return the stacks of these settings, with a line at the device's memory.

        Stacks that would be too short to see beside it are drawn alone.

        The `size` of the transformer, a rank's `batch`, `precision`, `optimizer`, `ranks` and the
        device's `device_gb` are those of the sliders.
        """
        setting = {"precision": precision, "optimizer": optimizer, "ranks": ranks}
        bars = self.stacks(size, batch, **setting)  # type: ignore[arg-type]  # by name
        totals = {name: sum(part.value for part in bar.values()) for name, bar in bars.items()}
        fitting = [name for name, total in totals.items() if total <= device_gb]
        first = f"from stage {fitting[0][0]} on" if fitting else "at no stage"
        sequences = plural(batch, "sequence")
        what = f"{size}, {sequences} a rank, {precision}, {optimizer}, {plural(ranks, 'rank')}"
        finding = f"fits into {device_gb} GB {first}".replace(" ", "\N{NO-BREAK SPACE}")
        title = f"{what}: {finding}"
        figure, axes = plots.new_figure(wide=True)
        _draw(axes, bars, device_gb=device_gb, title=title)
        told = "; ".join(
            f"stage {name} {decimal_size(BYTES_PER_GB * total)}" for name, total in totals.items()
        )
        return plots.show(figure, alt=f"{title}. {told}.")

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            size=("Dropdown", self.size, tuple(SIZES)),
            batch=("IntSlider", self.batch, (1, 64, 1)),
            precision=("Dropdown", self.precision, tuple(memory_accounts.FEATURE_BYTES)),
            optimizer=("Dropdown", self.optimizer, ("sgd", "momentum", "adamw")),
            ranks=("IntSlider", self.ranks, (1, 64, 1)),
            device_gb=("Dropdown", self.device_gb, MEMORIES_GB),
        )


def _draw(
    axes: Axes, bars: Mapping[str, Mapping[str, Result]], *, device_gb: int, title: str
) -> None:
    longest = max(sum(part.value for part in bar.values()) for bar in bars.values())
    is_near = longest >= NEAR * device_gb
    unit, unit_bytes = ("GB", BYTES_PER_GB) if is_near else unit_for(longest * BYTES_PER_GB)
    scale = BYTES_PER_GB / unit_bytes
    shown = {
        name: {
            part.replace("optimizer", "optimiser"): _modelled(scale * each.value)
            for part, each in bar.items()
        }
        for name, bar in bars.items()
    }
    if is_near:
        axes.axvline(device_gb, color="black", linestyle="--", linewidth=0.8)
    where = "dashed: the device" if is_near else "the device is far to the right"
    label = f"memory of a rank [{unit}]; {where}"
    plots.stacked_breakdown(axes, shown, x_label=label, title=title)
    axes.set_xlim(0, 1.08 * max(device_gb if is_near else 0, scale * longest))


def _modelled(value: float) -> Result:
    return Result(value, value, value, n=1, kind="modelled")
