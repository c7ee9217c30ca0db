# message: withheld
from labs.seminar.inference_performance.given import framed_order
