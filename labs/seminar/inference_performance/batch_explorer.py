"""Sliders over what a call and a row cost: how latency grows with the rate, in batches and without.

What it leaves in the notebook is an ordinary picture with its text. The server is a function that
is handed in, a student's or the given one; nothing is measured here.
"""

from dataclasses import dataclass, field

import numpy as np

from course_utils import plots
from course_utils.records import Result
from course_utils.units import format_number
from labs.seminar.inference_performance.load_pictures import label_plainly
from labs.seminar.inference_performance.rates import (
    Simulate,
    capacity_per_s,
    latency_ms,
    unit_arrivals,
)
from labs.shared.sliders import show_with_sliders

MOST = (1, 8, 64)
QUERIES = 2_000  # from an empty queue: a load of 0.9 settles within some hundred
LOADS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.9)


@dataclass(frozen=True, repr=False)
class BatchExplorer:
    """Latency against arrivals, for servers that take 1, 8 or 64 rows at most.

    Parameters
    ----------
    batched_latencies
        As in exercise 6.5.
    overhead_us, work_us
        What is shown first: the cost of a call and of a row [us], both > 0.
    percent
        The percentile shown first: 50 or 99.
    """

    batched_latencies: Simulate = field(repr=False)
    overhead_us: float = 1_000.0
    work_us: float = 5.0
    percent: int = 99

    def series(
        self, overhead_us: float, work_us: float, *, percent: int
    ) -> dict[str, list[tuple[float, Result]]]:
        """Return rates [1/s] and latencies [ms] for each size of batch; modelled.

        The `overhead_us`, `work_us` and `percent` are those of the sliders. Each curve goes up to
        90 % of what its server can answer: above, the queue has no end.
        """
        cost = overhead_us / 1e6, work_us / 1e6
        limits = {most: capacity_per_s(cost, most=most) for most in MOST}
        rates = sorted({load * limit for limit in limits.values() for load in LOADS})
        arrivals = unit_arrivals(QUERIES)
        return {
            f"at most {most}": latency_ms(
                self.batched_latencies,
                cost,
                most=most,
                rates_per_s=[rate for rate in rates if rate <= LOADS[-1] * limit],
                arrivals=arrivals,
                percent=percent,
            )
            for most, limit in limits.items()
        }

    def picture(self, overhead_us: float, work_us: float, *, percent: int) -> plots.Picture:
        """Return the curves for the sliders' `overhead_us`, `work_us` and `percent`."""
        series = self.series(overhead_us, work_us, percent=percent)
        (last, alone), *_ = (points[-1] for points in series.values())
        batched = dict(series[f"at most {MOST[-1]}"])[last]
        title = (
            f"{format_number(overhead_us)} us a call, {format_number(work_us)} us a row: "
            f"at {last:,.0f} rows a second p{percent} is {alone.value:.3g} ms one by one "
            f"and {batched.value:.3g} ms in batches"
        )
        figure, axes = plots.new_figure(wide=True)
        axes.set_xscale("log")
        axes.set_yscale("log")
        label_plainly(axes)
        labels = {"x_label": "arrivals [1/s]", "y_label": "latency [ms]"}
        plots.learning_curve(axes, series, **labels, title=title)
        ends = ", ".join(
            f"{name} up to {points[-1][0]:,.0f} rows a second" for name, points in series.items()
        )
        alt = f"Simulated latency against arrivals, log axes. {title}. The curves go on: {ends}."
        return plots.show(figure, alt=alt)

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            overhead_us=("FloatSlider", self.overhead_us, _range(self.overhead_us)),
            work_us=("FloatSlider", self.work_us, _range(self.work_us)),
            percent=("Dropdown", self.percent, (50, 99)),
        )


def _range(value: float) -> tuple[float, float, float]:
    """Return lowest, highest and step of a slider about a value."""
    step = float(10.0 ** np.floor(np.log10(value / 10)))
    return step, 4 * value, step
