# message: withheld
from labs.seminar.ml_systems_metrics.given import corrected, scheduled_latency
