# message: withheld
from labs.seminar.inference_performance.given import overhead_and_work
