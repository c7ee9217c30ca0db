# message: withheld
from labs.seminar.ml_systems_metrics.given import fewest_samples, percentile_interval
