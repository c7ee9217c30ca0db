# message: withheld
from labs.seminar.ml_systems_metrics.given import depends_on_company, leaked_rows, step_fault
