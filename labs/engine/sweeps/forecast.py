"""What the rest of a sweep will take: time, energy and carbon, from the runs that are over.

The range is that of the runs seen, no confidence interval: other settings may cost more. Energy is
modelled from processor time alone, so it is time in other units; memory and GPUs are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from course_utils.carbon import GridIntensity, operational_carbon
from course_utils.records import Result
from labs.engine.sweeps.progress import duration_text


@dataclass(frozen=True)
class Forecast:
    """What the runs that are left will take, each with the range of the runs seen.

    Parameters
    ----------
    runs, seen
        Runs left, and those that are over and behind this.
    duration_s, cpu_s
        Wall time until all are done, and processor time of their kernels.
    energy_j, carbon_g
        Modelled from the processor time; the range holds the error of the model too.
    grid
        Whose electricity it is.
    """

    runs: int
    seen: int
    duration_s: Result
    cpu_s: Result
    energy_j: Result
    carbon_g: Result
    grid: GridIntensity

    def describe(self) -> str:
        """Return the forecast in one line."""
        time = duration_text(self.duration_s.value)
        low, high = duration_text(self.duration_s.low), duration_text(self.duration_s.high)
        if self.seen == 1:
            basis = "1 run, which gives no range"
        else:
            time += f" [{low} to {high}]"
            basis = f"the fastest and the slowest of {self.seen} runs"
        return (
            f"forecast for {self.runs} runs: {time}, "
            f"{self.energy_j.describe('energy_j')}, {self.carbon_g.describe('carbon_g')} "
            f"(from {basis}; energy modelled from processor time; {self.grid})"
        )


def forecast(
    records: Sequence[Mapping[str, Any]], left: int, *, slots: int, grid: GridIntensity
) -> Forecast:
    """Return what the runs that are left will take.

    Parameters
    ----------
    records
        Of runs that are over, one at least.
    left
        Runs to do, >= 1.
    slots
        Runs at once.
    grid
        Whose electricity it will be.

    Examples
    --------
    >>> from course_utils.carbon import grid_intensity
    >>> runs = [{"provenance": {"duration_s": s, "cpu_s": s}} for s in (10.0, 30.0)]
    >>> made = forecast(runs, 12, slots=2, grid=grid_intensity("DEU"))
    >>> made.duration_s  # 12 runs of 20 s in two places
    Result(value=120.0, low=60.0, high=180.0, n=2, kind='modelled')
    """
    # A run that is left takes its whole time, however many places there are.
    cpu_s = _scaled(records, "cpu_s", float(left))
    energy_j = _energy(cpu_s)
    return Forecast(
        runs=left,
        seen=len(records),
        duration_s=_scaled(records, "duration_s", max(1.0, left / slots)),
        cpu_s=cpu_s,
        energy_j=energy_j,
        carbon_g=operational_carbon(energy_j, grid),
        grid=grid,
    )


def spent(records: Sequence[Mapping[str, Any]], grid: GridIntensity) -> dict[str, Result]:
    """Return what runs took: energy and carbon, modelled as in a forecast.

    Parameters
    ----------
    records
        Of runs that are over; nothing comes back without one.
    grid
        Whose electricity it was.
    """
    if not records:
        return {}
    total_s = sum(float(record["provenance"]["cpu_s"]) for record in records)
    energy_j = _energy(Result(total_s, total_s, total_s, n=len(records), kind="measured"))
    return {"energy_j": energy_j, "carbon_g": operational_carbon(energy_j, grid)}


def spread(run_ids: Sequence[str], count: int) -> list[str]:
    """Return some runs, evenly from the first to the last: they may cost differently.

    Parameters
    ----------
    run_ids
        In order.
    count
        How many, at most.

    Examples
    --------
    >>> spread(["a", "b", "c", "d", "e"], 3), spread(["a"], 2), spread(["a", "b"], 1)
    (['a', 'c', 'e'], ['a'], ['a'])
    """
    if count >= len(run_ids):
        return list(run_ids)
    step = (len(run_ids) - 1) / max(1, count - 1)
    return [run_ids[round(number * step)] for number in range(count)]


def _scaled(records: Sequence[Mapping[str, Any]], name: str, factor: float) -> Result:
    seen = [float(record["provenance"][name]) for record in records]
    value, low, high = (each * factor for each in (fmean(seen), min(seen), max(seen)))
    return Result(min(max(value, low), high), low, high, n=len(seen), kind="modelled")


def _energy(cpu_s: Result) -> Result:
    from course_utils.energy import sources  # noqa: PLC0415 - scipy, only where it is needed

    low, high = 1 - sources.MODEL_ERROR, 1 + sources.MODEL_ERROR
    return Result(
        sources.CORE_W * cpu_s.value,
        sources.CORE_W * cpu_s.low * low,
        sources.CORE_W * cpu_s.high * high,
        n=cpu_s.n,
        kind="modelled",
    )
