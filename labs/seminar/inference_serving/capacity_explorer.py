"""Sliders over a published network, the memory for its cache and its dtype: who fits in.

What it leaves in the notebook is an ordinary picture with its text. Bytes come from functions that
are handed in, a student's or the given ones; nothing is measured here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from course_utils import plots
from course_utils.records import Result, counted
from course_utils.units import BYTES_PER_GB
from labs.seminar.inference_serving.published import SHAPES
from labs.shared.sliders import show_with_sliders

NUMBER_BYTES = {"float16": 2, "int8": 1}
BLOCK = 16


@dataclass(frozen=True, repr=False)
class CapacityExplorer:
    """Sequences that fit against their length: room for the longest, or blocks as they grow.

    Parameters
    ----------
    cache_bytes, sequences_that_fit
        As in exercise 7.2.
    network, memory_gb, dtype
        What is shown first: a name in `published.SHAPES`, memory for the cache [GB], and float16
        or int8 for its numbers; scales are left out here.
    """

    cache_bytes: Callable[..., float] = field(repr=False)
    sequences_that_fit: Callable[..., int] = field(repr=False)
    network: str = "OPT-13B"
    memory_gb: int = 12
    dtype: str = "float16"

    def series(
        self, network: str, memory_gb: int, *, dtype: str
    ) -> dict[str, list[tuple[float, Result]]]:
        """Return lengths and sequences that fit, for either way to reserve.

        The `network`, `memory_gb` and `dtype` are those of the sliders.
        """
        shape = SHAPES[network]
        one = {"tokens": 1, "batch": 1, "number_bytes": NUMBER_BYTES[dtype]}
        token_bytes = self.cache_bytes(shape.as_dict(), **one)
        memory_bytes = memory_gb * BYTES_PER_GB
        ways = {"room for the longest": shape.context, f"blocks of {BLOCK} tokens": BLOCK}
        how = {"memory_bytes": memory_bytes, "token_bytes": token_bytes}
        return {
            name: [
                (n, self._fitting(**how, tokens=n, block=block)) for n in _lengths(shape.context)
            ]
            for name, block in ways.items()
        }

    def _fitting(
        self, *, memory_bytes: float, token_bytes: float, tokens: int, block: int
    ) -> Result:
        most = int(memory_bytes // (token_bytes * tokens)) + 1
        how = {"lengths": [tokens] * most, "block": block}
        return counted(int(self.sequences_that_fit(memory_bytes, token_bytes, **how)))

    def picture(self, network: str, memory_gb: int, *, dtype: str) -> plots.Picture:
        """Return the two curves for the sliders' `network`, `memory_gb` and `dtype`."""
        series = self.series(network, memory_gb, dtype=dtype)
        reserved, blocks = (points[2][1].value for points in series.values())
        tokens = _lengths(SHAPES[network].context)[2]
        title = (
            f"{network}, {memory_gb} GB, {dtype}: of {tokens:g} tokens each {blocks:g} sequences "
            f"fit in blocks, {reserved:g} with room for the longest"
        )
        figure, axes = plots.new_figure(wide=True)
        labels = {"x_label": "tokens of a sequence [1]", "y_label": "sequences that fit [1]"}
        plots.learning_curve(axes, series, **labels, title=title)
        axes.set_xscale("log", base=2)
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(bottom=0)
        return plots.show(figure, alt=f"Sequences that fit against their length. {title}.")

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            network=("Dropdown", self.network, tuple(SHAPES)),
            memory_gb=("IntSlider", self.memory_gb, (1, 80, 1)),
            dtype=("Dropdown", self.dtype, tuple(NUMBER_BYTES)),
        )


def _lengths(context: int) -> Sequence[int]:
    return [context // 2**halvings for halvings in range(6, -1, -1)]
