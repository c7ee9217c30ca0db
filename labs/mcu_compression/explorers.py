"""Things to turn: threshold and smoothing of a stream, and the budget that versions must fit.

What they leave in the notebook is an ordinary picture with its text; the sliders below it appear
only where a front end answers (`course_utils.widgets.is_interactive`). Nothing is measured here.
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from course_utils import plots
from labs.mcu_compression import detection, detection_pictures
from labs.mcu_compression.shipping import Comparison, affordable
from labs.mcu_compression.streams import Stream
from labs.shared.sliders import show_with_sliders

Floats = npt.NDArray[np.floating[Any]]
Smooth = Callable[[Floats, int], Floats]
STRIP_S = 30.0
TITLE_LETTERS = 70  # of a wide figure with its legend outside


@dataclass(frozen=True, repr=False)
class StreamExplorer:
    """A strip of a stream, redrawn for another threshold, smoothing window or place.

    Parameters
    ----------
    stream, scores
        Sound and events; (windows, classes), not smoothed.
    smooth
        ``smooth(scores, window)``, the student's or the given one.
    threshold, window, start_s
        What is shown first.
    """

    stream: Stream
    scores: Floats = field(repr=False)
    smooth: Smooth
    threshold: float = 0.5
    window: int = 5
    start_s: float = 0.0

    def picture(self, threshold: float, window: int, *, start_s: float) -> plots.Picture:
        """Return the strip with these settings; its title counts over the whole stream.

        `threshold` and smoothing `window` decide what is detected, the strip begins at `start_s`.
        """
        scores = np.asarray(self.smooth(self.scores, window))
        outcome = detection.match(
            detection.detect(scores, listened=self.stream.listened, threshold=threshold),
            self.stream,
            threshold=threshold,
        )
        figure, axes = plots.new_figure(data=f"{self.stream!r}", wide=True)
        rows = detection_pictures.strip(
            axes, self.stream, scores=scores, outcome=outcome, start_s=start_s, length_s=STRIP_S
        )
        return plots.show(figure, alt=detection_pictures.strip_alt(self.stream, outcome, rows=rows))

    def _ipython_display_(self) -> None:
        last = max(STRIP_S, self.stream.seconds - STRIP_S)
        show_with_sliders(
            self.picture,
            threshold=("FloatSlider", self.threshold, (0.1, 0.98, 0.02)),
            window=("IntSlider", self.window, (1, 20, 1)),
            start_s=("FloatSlider", self.start_s, (0.0, last, STRIP_S)),
        )


@dataclass(frozen=True, repr=False)
class BudgetExplorer:
    """The versions against a budget: what is left when flash and allowed loss change.

    Parameters
    ----------
    compared
        From `shipping.compare`.
    data
        Name of the clips.
    flash_bytes, most_loss
        What is shown first.
    """

    compared: Sequence[Comparison]
    data: str
    flash_bytes: int = 30_000
    most_loss: float = 0.05

    @mpl.rc_context(plots.STYLE)
    def picture(self, flash_bytes: float, most_loss: float) -> plots.Picture:
        """Return losses against sizes, with the budget as a box and its versions filled."""
        left = [
            c.name for c in affordable(self.compared, flash_bytes=flash_bytes, most_loss=most_loss)
        ]
        figure, axes = plots.new_figure(data=self.data, wide=True)
        top = max(4 * most_loss, 0.2)
        for each in self.compared:
            self._draw(axes, each, top, is_left=each.name in left)
        axes.axvline(flash_bytes, color="black", linestyle="--", linewidth=0.8, label="flash")
        axes.axhline(most_loss, color="black", linestyle=":", linewidth=0.8, label="allowed loss")
        axes.set_xscale("log")
        sizes = [each.size.value for each in self.compared]
        lowest = min(each.loss.low for each in self.compared)
        axes.set(
            xlim=(min(sizes) / 1.3, max(sizes) * 1.6), ylim=(min(-0.06, lowest - 0.02), top * 1.15)
        )
        ticks = [x for x in (5_000, 10_000, 20_000, 50_000, 100_000) if x < max(sizes) * 1.6]
        axes.set_xticks(ticks, [f"{x:,}" for x in ticks])
        axes.minorticks_off()
        axes.set(xlabel="size of the network [B] (log)", ylabel="accuracy lost [1]")
        axes.legend(**plots.OUTSIDE)
        said = f"{flash_bytes:,.0f} B and a loss of at most {most_loss:.1%}"
        title = f"Within {said}: {', '.join(left) or 'nothing is left'}"
        axes.set_title(textwrap.fill(title, TITLE_LETTERS), loc="left", weight="bold")
        told = "; ".join(repr(each) for each in self.compared)
        return plots.show(figure, alt=f"{title}. All versions: {told}.")

    def _draw(self, axes: Axes, each: Comparison, top: float, *, is_left: bool) -> None:
        """Draw one version; one that loses more than the axis shows stands at its upper end."""
        look: dict[str, Any] = {"color": plots.COLORS[0] if is_left else plots.GREY}
        look |= {} if is_left else {"mfc": "white"}
        loss, x, name = each.loss, each.size.value, each.name
        if loss.value > top:
            axes.plot(x, top, marker="^", linestyle="", **look)
            name = f"{name}: {loss.value:.2f}"
        else:
            arms = [[loss.value - loss.low], [loss.high - loss.value]]
            axes.errorbar(x, loss.value, yerr=arms, fmt="o", elinewidth=0.8, **look)
        at = (x, min(loss.value, top))
        axes.annotate(name, at, (5, 4), textcoords="offset points", size=7)

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            flash_bytes=("IntSlider", self.flash_bytes, (4_000, 100_000, 2_000)),
            most_loss=("FloatSlider", self.most_loss, (0.0, 0.2, 0.005)),
        )
