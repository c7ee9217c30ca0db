"""The functions that stand in for yours until yours are right, one module a topic.

They take other ways than the exercises ask for, so there is nothing to copy; while your own
function is checked, this package is out of reach.
"""

from labs.seminar.ml_systems_metrics.given.energies import layer_energy_pj, relative_energy
from labs.seminar.ml_systems_metrics.given.fronts import sort_out
from labs.seminar.ml_systems_metrics.given.hunting import (
    depends_on_company,
    leaked_rows,
    step_fault,
)
from labs.seminar.ml_systems_metrics.given.levels import find_levels
from labs.seminar.ml_systems_metrics.given.percentiles import fewest_samples, percentile_interval
from labs.seminar.ml_systems_metrics.given.waiting import corrected, scheduled_latency

__all__ = [
    "corrected",
    "depends_on_company",
    "fewest_samples",
    "find_levels",
    "layer_energy_pj",
    "leaked_rows",
    "percentile_interval",
    "relative_energy",
    "scheduled_latency",
    "sort_out",
    "step_fault",
]
