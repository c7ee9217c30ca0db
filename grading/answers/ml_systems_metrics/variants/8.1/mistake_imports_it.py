# message: withheld
from labs.seminar.ml_systems_metrics.given import layer_energy_pj, relative_energy
