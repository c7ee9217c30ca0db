"""The seven metrics of one configuration, each with what it must be told with.

The price of a core is assumed, energy is what the meter gave, everything else was measured in the
configuration space. Nothing is measured here.
"""

from collections.abc import Sequence
from dataclasses import replace

from course_utils import units
from course_utils.records import Result
from labs.seminar.ml_systems_metrics.configurations import Measured, Setting

PRICE_PER_CORE_HOUR = 0.04  # dollars, assumed: clouds ask for a third of it to three times as much
SLOWED = 2.0  # a format that takes longer than so many times float32 does not run well


def metrics_sheet(
    found: Sequence[Measured], setting: Setting, *, energy_mj: Result
) -> list[dict[str, str]]:
    """Return the sheet of one setting as rows of metric, value and what it is told with.

    Parameters
    ----------
    found
        All configurations as measured; the setting is among them, also with two threads.
    setting
        The one to tell about.
    energy_mj
        Energy of one batch [mJ].

    Raises
    ------
    ValueError
        If the setting was not measured, naming it.
    """
    by_setting = {m.setting: m for m in found}
    if setting not in by_setting:
        raise ValueError(f"{setting.name} was not measured; take one of the {len(found)} that were")
    chosen, two = by_setting[setting], by_setting[replace(setting, threads=2)]
    value, low, high = (x / setting.batch for x in (energy_mj.value, energy_mj.low, energy_mj.high))
    each = Result(value, low, high, n=energy_mj.n, kind=energy_mj.kind)
    price = PRICE_PER_CORE_HOUR * setting.threads / units.S_PER_H / chosen.throughput.value * 1e6
    speedup = two.throughput.value / chosen.throughput.value
    per_s = f"{chosen.throughput.describe('')} 1/s"
    batch = f"batch {setting.batch}, threads: {setting.threads}"
    rows = (
        ("accuracy", chosen.accuracy.describe(""), "digits, validation split"),
        ("throughput", per_s, batch),
        ("latency", chosen.latency.describe("latency_ms"), f"median of a batch of {setting.batch}"),
        ("energy", each.describe("energy_mj"), f"a digit; {each.kind}"),
        ("cost", units.format_number(price), "dollars a million digits; price of a core assumed"),
        ("flexibility", f"{usable_share(found):.0%}", "settings that no number format slows down"),
        ("scalability", units.format_number(speedup), "two threads over one, same batch"),
    )
    return [dict(zip(("metric", "value", "told with"), row, strict=True)) for row in rows]


def usable_share(found: Sequence[Measured]) -> float:
    """Return the share of settings within twice the latency of float32 at the same setting.

    Parameters
    ----------
    found
        All configurations as measured, those in float32 among them.
    """
    float32_ms = {
        replace(m.setting, dtype="float32"): m.latency.value
        for m in found
        if m.setting.dtype == "float32"
    }
    limits = [SLOWED * float32_ms[replace(m.setting, dtype="float32")] for m in found]
    return sum(m.latency.value <= x for m, x in zip(found, limits, strict=True)) / len(found)
