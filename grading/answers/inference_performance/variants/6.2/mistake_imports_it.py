# message: withheld
from labs.seminar.inference_performance.given import if_else
